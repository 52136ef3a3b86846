// What people type into: a label, the field, what is wrong with it.

import { type InputHTMLAttributes, type ReactNode, useId, useState } from "react";

import { useSettings } from "../settings.tsx";
import { common } from "../texts/common.ts";

interface FieldProps extends Omit<InputHTMLAttributes<HTMLInputElement>, "onChange" | "value"> {
  label: string;
  value: string;
  onValue: (value: string) => void;
  fault?: string | null;
  hint?: ReactNode;
  beside?: ReactNode;
}

export function Field({ label, value, onValue, fault = null, hint, beside, ...rest }: FieldProps) {
  const id = useId();
  const input = (
    <input
      {...rest}
      id={id}
      value={value}
      aria-invalid={fault !== null}
      aria-describedby={fault !== null ? `${id}-fault` : hint ? `${id}-hint` : undefined}
      onChange={(event) => onValue(event.target.value)}
    />
  );
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {beside === undefined ? (
        input
      ) : (
        <div className="with">
          {input}
          {beside}
        </div>
      )}
      {fault === null ? null : (
        <span className="fault" id={`${id}-fault`} role="alert">
          {fault}
        </span>
      )}
      {hint && fault === null ? (
        <span className="note" id={`${id}-hint`}>
          {hint}
        </span>
      ) : null}
    </div>
  );
}

/** A password, shown on wish. */
export function PasswordField(props: Omit<FieldProps, "type" | "beside">) {
  const { say } = useSettings();
  const [shown, setShown] = useState(false);
  return (
    <Field
      {...props}
      type={shown ? "text" : "password"}
      maxLength={128}
      beside={
        <button type="button" aria-pressed={shown} onClick={() => setShown(!shown)}>
          {say(shown ? common.hide : common.show)}
        </button>
      }
    />
  );
}

/** Fen of what was typed as yuan: at most two decimals, above zero, `null` for anything else. */
export function fenOf(typed: string): number | null {
  const match = /^(\d{1,9})(?:\.(\d{0,2}))?$/.exec(typed.trim().replace(/[,，\s]/g, "").replace("。", "."));
  if (match === null) return null;
  const fen = Number(match[1]) * 100 + Number((match[2] ?? "").padEnd(2, "0"));
  return fen > 0 ? fen : null;
}

export function AmountField({ label, value, onValue, fault = null, hint, autoFocus = false }: { label: string; value: string; onValue: (value: string) => void; fault?: string | null; hint?: ReactNode; autoFocus?: boolean }) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <div className="money-field">
        <span aria-hidden="true">¥</span>
        <input
          id={id}
          value={value}
          inputMode="decimal"
          autoComplete="off"
          autoFocus={autoFocus}
          maxLength={13}
          placeholder="0.00"
          aria-invalid={fault !== null}
          aria-describedby={fault !== null ? `${id}-fault` : hint ? `${id}-hint` : undefined}
          onChange={(event) => onValue(event.target.value)}
        />
      </div>
      {fault === null ? null : (
        <span className="fault" id={`${id}-fault`} role="alert">
          {fault}
        </span>
      )}
      {hint && fault === null ? (
        <span className="note" id={`${id}-hint`}>
          {hint}
        </span>
      ) : null}
    </div>
  );
}

/** Six digits that nobody else sees. `onWhole` hears of them once they are six. */
export function PinField({ label, value, onValue, onWhole, fault = null, autoFocus = true }: { label: string; value: string; onValue: (pin: string) => void; onWhole?: (pin: string) => void; fault?: string | null; autoFocus?: boolean }) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <div className="pin">
        <input
          id={id}
          type="password"
          inputMode="numeric"
          pattern="[0-9]*"
          autoComplete="off"
          maxLength={6}
          autoFocus={autoFocus}
          value={value}
          aria-invalid={fault !== null}
          aria-describedby={fault !== null ? `${id}-fault` : undefined}
          onChange={(event) => {
            const pin = event.target.value.replace(/\D/g, "").slice(0, 6);
            onValue(pin);
            if (pin.length === 6 && pin !== value) onWhole?.(pin);
          }}
        />
      </div>
      {fault === null ? null : (
        <span className="fault" id={`${id}-fault`} role="alert">
          {fault}
        </span>
      )}
    </div>
  );
}

/** A file is chosen by a button with our own words; the browser's would be in its language. */
export function FileButton({ label, accept, onFile }: { label: string; accept: string; onFile: (file: File) => void }) {
  return (
    <label className="button wide file">
      {label}
      <input
        type="file"
        className="hidden-visually"
        accept={accept}
        onChange={(event) => {
          const file = event.target.files?.[0];
          // The same file may be chosen again.
          event.target.value = "";
          if (file !== undefined) onFile(file);
        }}
      />
    </label>
  );
}

export function Choice<T extends string>({ label, value, options, onValue }: { label: string; value: T; options: readonly (readonly [T, string])[]; onValue: (value: T) => void }) {
  return (
    <div className="field" role="group" aria-label={label}>
      <span className="label" aria-hidden="true">
        {label}
      </span>
      <div className="chips">
        {options.map(([one, name]) => (
          <button type="button" key={one} aria-pressed={one === value} onClick={() => onValue(one)}>
            {name}
          </button>
        ))}
      </div>
    </div>
  );
}

export function Switch({ label, checked, onChange, disabled = false }: { label: ReactNode; checked: boolean; onChange: (checked: boolean) => void; disabled?: boolean }) {
  return (
    <label className="check">
      <input type="checkbox" checked={checked} disabled={disabled} onChange={(event) => onChange(event.target.checked)} />
      <span>{label}</span>
    </label>
  );
}
