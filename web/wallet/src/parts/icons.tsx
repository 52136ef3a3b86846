// The wallet's icons: strokes on a ground of 24, drawn for it.

const PATHS = {
  home: "M4 11l8-7 8 7M6 9.5V20h12V9.5",
  code: "M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h2v2M20 14v6h-6",
  scan: "M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4M4 12h16",
  records: "M6 3h12v18l-3-2-3 2-3-2-3 2zM9 8h6M9 12h6",
  me: "M12 12a4 4 0 100-8 4 4 0 000 8zM4 21c1-5 4-7 8-7s7 2 8 7",
  receive: "M12 3v12M7 10l5 5 5-5M4 20h16",
  transfer: "M4 8h14M14 4l4 4-4 4M20 16H6M10 12l-4 4 4 4",
  topup: "M3 7h18v12H3zM3 11h18M12 13v4M10 15h4",
  withdraw: "M3 9l9-5 9 5M5 9v9M10 9v9M14 9v9M19 9v9M3 20h18",
  bills: "M7 3h10v18H7zM10 7h4M10 11h4M10 15h2",
  coupon: "M3 7h18v4a2 2 0 000 4v4H3v-4a2 2 0 000-4zM12 9v8",
  packet: "M5 3h14v18H5zM5 8c4 4 10 4 14 0M12 10v4",
  split: "M12 3v6M12 9l-6 6v6M12 9l6 6v6",
  request: "M4 5h16v11H9l-5 4zM8 9h8M8 12h5",
  subwallet: "M4 7h16v12H4zM4 7l3-4h10l3 4M14 13h3",
  shield: "M12 3l8 3v6c0 5-4 8-8 9-4-1-8-4-8-9V6zM9 12l2 2 4-4",
  lock: "M6 11h12v9H6zM8 11V8a4 4 0 018 0v3",
  privacy: "M3 12c3-5 6-7 9-7s6 2 9 7c-3 5-6 7-9 7s-6-2-9-7zM12 15a3 3 0 100-6 3 3 0 000 6z",
  hidden: "M3 12c3-5 6-7 9-7s6 2 9 7c-3 5-6 7-9 7s-6-2-9-7zM4 20L20 4",
  help: "M12 21a9 9 0 100-18 9 9 0 000 18zM9.5 9.5a2.5 2.5 0 113.5 2.3c-.7.3-1 .8-1 1.7M12 17v.01",
  bell: "M6 17V11a6 6 0 0112 0v6l2 2H4zM10 21h4",
  settings: "M4 7h10M18 7h2M4 17h2M10 17h10M16 9a2 2 0 100-4 2 2 0 000 4zM8 19a2 2 0 100-4 2 2 0 000 4z",
  bank: "M3 9l9-5 9 5zM5 9v9M12 9v9M19 9v9M3 20h18",
  phone: "M7 2h10v20H7zM11 19h2",
  out: "M10 4H4v16h6M14 8l4 4-4 4M8 12h10",
  elder: "M4 20L9 6l5 14M6 15h6M15 20l3-9 3 9M16 17h4",
  key: "M8 15a4 4 0 110-8 4 4 0 010 8zM12 11h9M18 11v4",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
