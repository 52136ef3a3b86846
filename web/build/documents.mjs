// The documents, the API's description and the index of the search as modules, made at build time.
//
// `docs/README.md` says which pages there are and in which groups. A Chinese page lies at
// `docs/zh/PATH` and names the original's digest, so that the site can say when it has fallen behind.

import { createHash, createPublicKey } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { plain, render } from "./markdown.mjs";

const DOCS = join(dirname(fileURLToPath(import.meta.url)), "../../docs");
const GROUPS = {
  "to start": "入门",
  "to understand": "概念",
  "to build on it": "指南",
  "to look up": "参考",
  "to operate": "运维",
  "why it is so": "设计决定",
};

export const digestOf = (text) => createHash("sha256").update(text).digest("hex").slice(0, 16);

/** The translation's own idea of which original it was made from. */
const MADE_FROM = /^<!-- translation of (\S+) sha256:([0-9a-f]{16}) -->/;

/** Every page: its path without `.md`, group, what it is about, both texts. */
export function readDocuments(folder = DOCS) {
  const index = readFileSync(join(folder, "README.md"), "utf8");
  const pages = [];
  let group = null;
  for (const line of index.split("\n")) {
    const head = /^\| ([^|]+) \| \|$/.exec(line);
    if (head) group = GROUPS[head[1]] ? head[1] : null;
    const row = /^\| \[([^\]]+\.md)\]\(([^)]+\.md)\) \| (.*) \|$/.exec(line);
    if (!row || group === null || row[2].startsWith("../")) continue;
    const path = row[2].replace(/\.md$/, "");
    pages.push({ path, group, about: plain(row[3]), ...bothTexts(folder, row[2]) });
  }
  return pages;
}

/** Chinese characters outside code from which an original counts as written in both languages. */
const MIXED_FROM = 60;

function bothTexts(folder, file) {
  const en = readFileSync(join(folder, file), "utf8");
  const place = join(folder, "zh", file);
  const chinese = en.replace(/```[\s\S]*?```/g, "").match(/\p{Script=Han}/gu)?.length ?? 0;
  if (!existsSync(place)) return { en, zh: null, stale: false, mixed: chinese >= MIXED_FROM };
  const zh = readFileSync(place, "utf8");
  const [, of, digest] = MADE_FROM.exec(zh) ?? [];
  if (of !== file) throw new Error(`docs/zh/${file} must begin with <!-- translation of ${file} sha256:${digestOf(en)} -->`);
  return { en, zh, stale: digest !== digestOf(en), mixed: false };
}

const kept = new Map();

/** Rendered once: the listing, the page itself and the search all ask for it. */
function rendered(page, language, known) {
  const [text, file] = language === "zh" ? [page.zh, `zh/${page.path}.md`] : [page.en, `${page.path}.md`];
  const made = kept.get(file)?.text === text ? kept.get(file) : { text, ...render(text, file, known) };
  kept.set(file, made);
  return made;
}

/**
 * Vite's plugin: `virtual:documents`, `virtual:document/LANGUAGE/PATH`, `virtual:search`, `virtual:api`, `virtual:errors`, `virtual:changelog`,
 * `virtual:vectors`.
 */
export function documents() {
  let pages;
  let known;
  const read = () => {
    pages ??= readDocuments();
    known ??= new Set(pages.map(({ path }) => path));
  };
  const sources = {
    "virtual:documents": () => listing(pages, known),
    "virtual:search": () => `export default ${JSON.stringify(searchIndex(pages, known))};`,
    "virtual:api": () => `export default JSON.parse(${JSON.stringify(JSON.stringify(apiDescription()))});`,
    "virtual:vectors": () => `export const example = ${JSON.stringify(workedExample())};\nexport const vectors = ${JSON.stringify(signatureVectors())};`,
    "virtual:errors": () => `export default ${JSON.stringify(errorCodes())};`,
    "virtual:changelog": () => {
      const { html } = render(readFileSync(join(DOCS, "changelog.md"), "utf8"), "changelog.md", known);
      return `export default ${JSON.stringify(html)};`;
    },
  };
  return {
    name: "jialing-documents",
    resolveId: (id) => (id.startsWith("virtual:document") || id in sources ? `\0${id}` : null),
    load(id) {
      if (!id.startsWith("\0virtual:")) return null;
      read();
      const name = id.slice(1);
      if (name in sources) return sources[name]();
      const [, language, path] = /^virtual:document\/(en|zh)\/(.+)$/.exec(name) ?? [];
      const page = pages.find((page) => page.path === path);
      if (!page) return null;
      const { title, html, headings } = rendered(page, language, known);
      return `export default ${JSON.stringify({ title, html, headings })};`;
    },
  };
}

function listing(pages, known) {
  const groups = Object.entries(GROUPS).map(([en, zh]) => ({
    name: { zh, en },
    pages: pages.filter((page) => page.group === en).map(({ path, about, zh: translated, stale, mixed, ...page }) => ({
      path,
      about,
      title: { en: rendered({ path, ...page }, "en", known).title, zh: translated ? rendered({ path, zh: translated }, "zh", known).title : null },
      translated: translated !== null,
      mixed,
      stale,
    })),
  }));
  const load = (page, language) => `${JSON.stringify(`${language}/${page.path}`)}: () => import(${JSON.stringify(`virtual:document/${language}/${page.path}`)})`;
  const loaders = pages.flatMap((page) => [load(page, "en"), ...(page.zh ? [load(page, "zh")] : [])]);
  return `export const groups = ${JSON.stringify(groups)};\nexport const load = {${loaders.join(",\n")}};`;
}

/** Each section of each page: where it is, what it is called, what it says. */
export function searchIndex(pages, known) {
  return pages.flatMap((page) =>
    ["en", ...(page.zh ? ["zh"] : [])].flatMap((language) => {
      const { title, sections } = rendered(page, language, known);
      return sections.map((section) => ({
        to: `/developers/docs/${page.path}${section.id ? `#${section.id}` : ""}`,
        page: title,
        title: section.title,
        text: section.text.slice(0, 1200),
        language,
      }));
    }),
  );
}

/** The registry of problem codes, from where the platform itself has it. */
export function errorCodes(source = readFileSync(join(DOCS, "../crates/platform/src/problem.rs"), "utf8")) {
  const line = /^ +\w+ "(\w+)" (\d+) (true|false) "([^"]*)" "([^"]*)": "([^"]*)" => "([^"]*)";$/gm;
  const codes = [...source.matchAll(line)].map(([, code, status, retryable, title, zh, cause, fix]) => ({
    code,
    status: Number(status),
    retryable: retryable === "true",
    title: { zh, en: title },
    cause,
    fix,
  }));
  if (codes.length === 0) throw new Error("no problem code was found in the registry");
  return codes;
}

/** The worked example of the guide on signing: what its tests check to the byte. */
export function workedExample(guide = readFileSync(join(DOCS, "guides/signing-requests.md"), "utf8")) {
  const block = (name) => {
    const [, text] = new RegExp(`<!-- example: ${name} -->\n\`\`\`\\w+\n([\\s\\S]*?)\n\`\`\``).exec(guide) ?? [];
    if (text === undefined) throw new Error(`the guide on signing has no example ${name}`);
    return text;
  };
  const [method, target] = block("text").split("\n");
  const pem = createPublicKey(block("key")).export({ type: "spki", format: "pem" });
  return { method, target, authorization: block("header"), body: block("body"), publicKey: pem };
}

/** The vectors that every client is tested with, one entry a request. */
function signatureVectors() {
  const file = join(DOCS, "../tests/vectors/signatures.json");
  if (!existsSync(file)) return [];
  const { keys, requests } = JSON.parse(readFileSync(file, "utf8"));
  return requests.map(({ suite, method, target, authorization, body }) => ({
    suite,
    asked: { method, target, authorization, body, publicKey: pemOf(keys[suite].public_key) },
  }));
}

function pemOf(base64) {
  return `-----BEGIN PUBLIC KEY-----\n${base64.replace(/.{64}/g, "$&\n").trim()}\n-----END PUBLIC KEY-----\n`;
}

/** The API's description without what the reference does not show. */
function apiDescription() {
  const api = JSON.parse(readFileSync(join(DOCS, "openapi.json"), "utf8"));
  return { version: api.info.version, paths: api.paths, schemas: api.components.schemas };
}
