import { expect, test } from "vitest";

import { begun, bodyOf, EMPTY, type Letter, lengthOf, MAX_ABOUT, MAX_CONTACT, MAX_TEXT, TOPICS, wrongOf } from "../src/feedback/letter.ts";

const GOOD: Letter = { topic: "DOCUMENTS", text: "第二步少一个引号", about: "", contact: "" };

function check(change: Partial<Letter>, ...fields: string[]) {
  expect(Object.keys(wrongOf({ ...GOOD, ...change }))).toEqual(fields);
}

test("a letter is checked by the rules of the API", () => {
  check({});
  check({ topic: "" }, "topic");
  check({ text: " \n " }, "text");
  check({ text: "字".repeat(MAX_TEXT) });
  check({ text: "字".repeat(MAX_TEXT + 1) }, "text");
  check({ text: "😀".repeat(MAX_TEXT) });
  check({ about: "x".repeat(MAX_ABOUT + 1), contact: "x".repeat(MAX_CONTACT + 1) }, "about", "contact");
  expect(Object.keys(wrongOf(EMPTY))).toEqual(["topic", "text"]);
  expect(lengthOf("😀字")).toBe(2);
});

test("what was left empty is not sent, and lines are parted as the API wants", () => {
  expect(JSON.parse(bodyOf({ ...GOOD, text: "a\r\nb", about: " create_order ", contact: " " }))).toEqual({ topic: "DOCUMENTS", text: "a\nb", about: "create_order" });
});

test("an address may begin a letter", () => {
  expect(begun("?topic=FAULT&about=create_order")).toEqual({ ...EMPTY, topic: "FAULT", about: "create_order" });
  expect(begun("?topic=SPAM")).toEqual(EMPTY);
  expect(begun(`?about=${"x".repeat(300)}`).about).toHaveLength(MAX_ABOUT);
  expect(TOPICS.every(({ name }) => name.zh !== "" && name.en !== "")).toBe(true);
});
