// Markdown of docs/ as HTML: anchors as hosts of Markdown make them, links that lead to the site's own
// pages, code coloured at build time, and neighbouring blocks marked `tab=NAME` behind tabs.

import { posix } from "node:path";

import hljs from "highlight.js/lib/common";
import { Marked } from "marked";

const LANGUAGES = { sh: "bash", ts: "typescript", js: "javascript", rs: "rust", py: "python", http: "plaintext", text: "plaintext" };

export const escaped = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

/** A heading's anchor; `tests/tidy` makes the same of it. */
export function anchorOf(heading) {
  return [...heading.trim()]
    .map((c) => (c === " " ? "-" : /[-_\p{L}\p{N}]/u.test(c) ? c.replace(/[A-Z]/, (upper) => upper.toLowerCase()) : ""))
    .join("");
}

/** Text without its Markdown. */
export function plain(text) {
  return text
    .replace(/<!--[\s\S]*?-->/g, "")
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/[`*]/g, "")
    .replace(/\\([|_*])/g, "$1")
    .trim();
}

/** Where a link of the page `from` (a path below docs/) leads on the site; `null` for what the site does not show. */
export function siteLink(href, from, pages) {
  if (/^(https?:|mailto:)/.test(href)) return href;
  if (href.startsWith("#")) return href;
  const [file, fragment] = href.split("#");
  // What a translation links to lies beside it, or one folder up among the originals.
  const path = posix.join(posix.dirname(from), file).replace(/^zh\//, "");
  if (path === "openapi.json") return "/developers/api";
  if (path === "reference/errors.md") return `/developers/errors${fragment ? `/${fragment}` : ""}`;
  if (path === "changelog.md") return "/developers/changelog";
  if (path === "README.md" || path === "." || path === "") return "/developers/docs";
  const page = path.replace(/\.md$/, "");
  if (!pages.has(page)) return null;
  return `/developers/docs/${page}${fragment ? `#${fragment}` : ""}`;
}

function code(text, info) {
  const [language = "", ...rest] = info.split(/\s+/);
  const name = LANGUAGES[language] ?? language;
  const html = hljs.getLanguage(name) ? hljs.highlight(text, { language: name }).value : escaped(text);
  const copy = language === "text" ? "" : '<button type="button" class="copy" data-copy></button>';
  const tab = rest.join(" ").match(/tab=(.+)/)?.[1];
  return { tab, html: `<div class="code">${copy}<pre tabindex="0"><code>${html}</code></pre></div>` };
}

/** Neighbouring blocks with `tab=` become one block with tabs; the chosen tab is kept over all of them. */
function tabs(tokens) {
  const made = [];
  for (const token of tokens) {
    const block = token.type === "code" ? code(token.text, token.lang ?? "") : null;
    const last = made.at(-1);
    if (block?.tab !== undefined) {
      if (last?.type === "tabs") last.blocks.push(block);
      else made.push({ type: "tabs", raw: "", blocks: [block] });
    } else if (!(token.type === "space" && last?.type === "tabs")) {
      made.push(token);
    }
  }
  return made;
}

function tabsHtml(blocks) {
  const buttons = blocks.map(({ tab }) => `<button type="button" role="tab" data-tab="${escaped(tab)}">${escaped(tab)}</button>`);
  const panels = blocks.map(({ tab, html }) => `<div role="tabpanel" data-tab="${escaped(tab)}">${html}</div>`);
  return `<div class="tabs"><div role="tablist">${buttons.join("")}</div>${panels.join("")}</div>`;
}

/** Renders the page at `path`: its title, its HTML without the title, its headings, and its sections as plain text. */
export function render(markdown, path, pages) {
  const marked = new Marked({ gfm: true });
  const headings = [];
  const sections = [];
  const renderer = {
    heading({ tokens, depth, text }) {
      const id = anchorOf(plain(text));
      if (depth === 1) return "";
      if (depth <= 3) headings.push({ id, text: plain(text), depth });
      return `<h${depth} id="${id}">${this.parser.parseInline(tokens)} <a class="anchor" href="#${id}" aria-label="#">#</a></h${depth}>`;
    },
    code: ({ text, lang }) => code(text, lang ?? "").html,
    html: ({ text }) => (/^<!--[\s\S]*-->\s*$/.test(text) ? "" : escaped(text)),
    table(token) {
      const row = (cells, tag) => `<tr>${cells.map((cell) => `<${tag}>${this.parser.parseInline(cell.tokens)}</${tag}>`).join("")}</tr>`;
      const named = token.header.some((cell) => cell.text !== "");
      const head = named ? `<thead>${row(token.header, "th")}</thead>` : "";
      return `<div class="table" tabindex="0"><table>${head}<tbody>${token.rows.map((cells) => row(cells, "td")).join("")}</tbody></table></div>`;
    },
    link({ href, tokens }) {
      const text = this.parser.parseInline(tokens);
      const to = siteLink(href, path, pages);
      if (to === null) return `<span class="source">${text}</span>`;
      return `<a href="${escaped(to)}"${/^https?:/.test(to) ? ' rel="noreferrer"' : ""}>${text}</a>`;
    },
    image: ({ text }) => `<span class="source">${escaped(text)}</span>`,
  };
  marked.use({ renderer, extensions: [{ name: "tabs", renderer: ({ blocks }) => tabsHtml(blocks) }] });
  const tokens = marked.lexer(markdown);
  const title = plain(tokens.find((token) => token.type === "heading" && token.depth === 1)?.text ?? path);
  for (const token of tokens) {
    if (token.type === "heading") sections.push({ id: token.depth === 1 ? "" : anchorOf(plain(token.text)), title: plain(token.text), text: "" });
    else if (token.type !== "space" && token.type !== "html" && sections.length > 0) sections.at(-1).text += `${plain(token.raw).replace(/\s+/g, " ")} `;
  }
  const links = tokens.links;
  const grouped = tabs(tokens);
  grouped.links = links;
  return { title, html: marked.parser(grouped), headings, sections };
}
