// A block of code that can be copied.

import { useState } from "react";

import { useLanguage } from "../language.tsx";
import { copied } from "./copy.ts";

export function Code({ text, label }: { text: string; label?: string }) {
  const { say } = useLanguage();
  const [done, setDone] = useState(false);
  return (
    <div className="code">
      <button
        type="button"
        className="copy"
        onClick={() => {
          void copied(text).then((good) => {
            setDone(good);
            setTimeout(() => setDone(false), 1600);
          });
        }}
      >
        {done ? say({ zh: "已复制", en: "Copied" }) : say({ zh: "复制", en: "Copy" })}
      </button>
      <pre tabIndex={0} aria-label={label}>
        <code>{text}</code>
      </pre>
    </div>
  );
}
