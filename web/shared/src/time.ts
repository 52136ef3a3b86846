// Times as people read them, in the ledger's zone, UTC+8.

const ZONE = "Asia/Shanghai";

/** `14:05:09`, or with the date `2026-11-22 14:05:09`. */
export function shownTime(at: string | number, withDate = false): string {
  const date = new Date(at);
  const time = date.toLocaleTimeString("en-GB", { timeZone: ZONE, hour12: false });
  return withDate ? `${date.toLocaleDateString("sv-SE", { timeZone: ZONE })} ${time}` : time;
}

/** What is left: `4:05`, `1:02:03`, and from a day on `2 d 03:04:05`. Nothing left is `0:00`. */
export function shownRest(milliseconds: number): string {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  const two = (value: number) => String(value).padStart(2, "0");
  const [days, hours, minutes] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  const rest = `${two(minutes)}:${two(seconds % 60)}`;
  if (days > 0) return `${days} d ${two(hours)}:${rest}`;
  return hours > 0 ? `${hours}:${rest}` : `${minutes}:${two(seconds % 60)}`;
}
