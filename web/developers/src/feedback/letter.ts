// What the feedback form sends, checked before it is sent by the rules that the API has.

import type { Both } from "@shared/language.ts";

export const MAX_TEXT = 4000;
export const MAX_ABOUT = 200;
export const MAX_CONTACT = 120;

export type Topic = "FAULT" | "DOCUMENTS" | "SANDBOX" | "WISH" | "OTHER";

export const TOPICS: readonly { topic: Topic; name: Both }[] = [
  { topic: "FAULT", name: { zh: "与文档不符的行为", en: "Something does not work as described" } },
  { topic: "DOCUMENTS", name: { zh: "文档", en: "The documents" } },
  { topic: "SANDBOX", name: { zh: "沙箱与工具", en: "The sandbox and its tools" } },
  { topic: "WISH", name: { zh: "缺少的功能", en: "Something that is missing" } },
  { topic: "OTHER", name: { zh: "其他", en: "Anything else" } },
];

export interface Letter {
  readonly topic: Topic | "";
  readonly text: string;
  readonly about: string;
  readonly contact: string;
}

export const EMPTY: Letter = { topic: "", text: "", about: "", contact: "" };

/** The topic that an address asks for, and what it is about: `?topic=DOCUMENTS&about=guides/webhooks`. */
export function begun(search: string): Letter {
  const asked = new URLSearchParams(search);
  const topic = TOPICS.find(({ topic: known }) => known === asked.get("topic"))?.topic ?? "";
  return { ...EMPTY, topic, about: (asked.get("about") ?? "").slice(0, MAX_ABOUT) };
}

export type Field = keyof Letter;

/** What is wrong, by field: empty when it may be sent. */
export function wrongOf(letter: Letter): Partial<Record<Field, Both>> {
  const wrong: Partial<Record<Field, Both>> = {};
  if (letter.topic === "") wrong.topic = { zh: "请选择反馈的类型。", en: "Choose what it is about." };
  if (letter.text.trim() === "") wrong.text = { zh: "请写下内容。", en: "Write something." };
  else if (lengthOf(letter.text) > MAX_TEXT) wrong.text = tooLong(MAX_TEXT);
  if (lengthOf(letter.about.trim()) > MAX_ABOUT) wrong.about = tooLong(MAX_ABOUT);
  if (lengthOf(letter.contact.trim()) > MAX_CONTACT) wrong.contact = tooLong(MAX_CONTACT);
  return wrong;
}

function tooLong(most: number): Both {
  return { zh: `最多 ${most} 个字符。`, en: `At most ${most} characters.` };
}

/** Characters as the API counts them: an emoji of two code units is one. */
export function lengthOf(text: string): number {
  return [...text].length;
}

/** The body as it is sent: what was left empty is left out. */
export function bodyOf({ topic, text, about, contact }: Letter): string {
  const filled = (value: string) => (value.trim() === "" ? undefined : value.trim());
  return JSON.stringify({ topic, text: text.replace(/\r\n?/g, "\n"), about: filled(about), contact: filled(contact) });
}
