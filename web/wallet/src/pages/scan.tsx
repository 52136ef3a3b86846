// Scanning: by the camera, from a picture, or from pasted text.

import { useCallback, useEffect, useRef, useState } from "react";

import { payloadOf } from "../money/payload.ts";
import { Field, FileButton } from "../parts/fields.tsx";
import { Page } from "../parts/page.tsx";
import { Tip } from "../parts/tell.tsx";
import { go } from "../router.tsx";
import { useSettings } from "../settings.tsx";
import { pay } from "../texts/pay.ts";

/** Between two looks at the camera's picture, milliseconds. */
const LOOK_MS = 180;
/** The longest side of a picture that is searched, pixels. */
const SIDE = 1_200;

type Trouble = "denied" | "none" | "picture" | "unknown" | "foreign" | null;

async function codeIn(source: CanvasImageSource, width: number, height: number): Promise<string | null> {
  const scale = Math.min(1, SIDE / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (context === null) return null;
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  const { default: read } = await import("jsqr");
  return read(data, canvas.width, canvas.height)?.data ?? null;
}

export default function Scan() {
  const { say } = useSettings();
  const video = useRef<HTMLVideoElement>(null);
  const [running, setRunning] = useState(false);
  const [trouble, setTrouble] = useState<Trouble>(null);
  const [pasted, setPasted] = useState("");

  const found = useCallback((text: string, via: "CAMERA" | "IMAGE" | "LINK") => {
    const payload = payloadOf(text, location.origin);
    switch (payload.kind) {
      case "code":
        return go(`/pay?via=${via}&code=${encodeURIComponent(payload.text)}`, { instead: true });
      case "cashier":
        return go(`/pay?via=${via}&cashier=${payload.token}`, { instead: true });
      case "person":
        return go(`/to/${payload.wallet}${payload.amount === null ? "" : `?amount=${payload.amount}`}`, { instead: true });
      case "packet":
        return go(`/r/${payload.token}`, { instead: true });
      case "debit":
        return go(`/debits/${payload.id}`, { instead: true });
      default:
        setTrouble(payload.kind);
    }
  }, []);

  useEffect(() => {
    if (!running) return;
    let over = false;
    let stream: MediaStream | null = null;
    const watch = async () => {
      try {
        stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1280 } }, audio: false });
      } catch (error) {
        setTrouble(error instanceof DOMException && error.name === "NotAllowedError" ? "denied" : "none");
        return setRunning(false);
      }
      const seen = video.current;
      if (over || seen === null) return;
      seen.srcObject = stream;
      await seen.play();
      while (!over) {
        const text = seen.videoWidth > 0 ? await codeIn(seen, seen.videoWidth, seen.videoHeight) : null;
        if (over) return;
        if (text !== null && text !== "") return found(text, "CAMERA");
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      }
    };
    void watch().finally(() => over && stream?.getTracks().forEach((track) => track.stop()));
    return () => {
      over = true;
      stream?.getTracks().forEach((track) => track.stop());
    };
  }, [running, found]);

  // The camera opens by itself where it was allowed before: nobody is asked without a tap.
  useEffect(() => {
    void navigator.permissions?.query({ name: "camera" as PermissionName }).then((state) => state.state === "granted" && setRunning(true)).catch(() => {});
  }, []);

  const picture = async (file: File) => {
    setTrouble(null);
    try {
      const image = await createImageBitmap(file);
      const text = await codeIn(image, image.width, image.height);
      if (text === null) return setTrouble("picture");
      found(text, "IMAGE");
    } catch {
      setTrouble("picture");
    }
  };

  return (
    <Page title={say(pay.scan)}>
      {running ? <video ref={video} muted playsInline aria-label={say(pay.cameraView)} /> : null}
      <p className="note center">{say(pay.cameraHow)}</p>
      {running ? null : (
        <button type="button" className="primary wide" onClick={() => (setTrouble(null), setRunning(true))}>
          {say(pay.camera)}
        </button>
      )}
      <div role="alert">
        {trouble === "denied" ? <Tip kind="warn" title={say(pay.cameraDenied)} children={say(pay.cameraDeniedHow)} /> : null}
        {trouble === "none" ? <Tip kind="warn" title={say(pay.cameraNone)} children={say(pay.cameraDeniedHow)} /> : null}
        {trouble === "picture" ? <Tip kind="bad" title={say(pay.pictureNone)} /> : null}
        {trouble === "unknown" ? <Tip kind="bad" title={say(pay.unknown)} children={say(pay.unknownHow)} /> : null}
        {trouble === "foreign" ? <Tip kind="bad" title={say(pay.foreign)} children={say(pay.unknownHow)} /> : null}
      </div>
      <div className="field">
        <FileButton label={say(pay.picture)} accept="image/*" onFile={(file) => void picture(file)} />
        <span className="note">{say(pay.pictureHow)}</span>
      </div>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          setTrouble(null);
          found(pasted, "LINK");
        }}
      >
        <Field
          label={say(pay.paste)}
          value={pasted}
          onValue={setPasted}
          autoComplete="off"
          maxLength={2000}
          beside={
            <button type="submit" disabled={pasted.trim() === ""}>
              {say(pay.pasteGo)}
            </button>
          }
        />
      </form>
    </Page>
  );
}
