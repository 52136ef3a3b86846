// What the debugger says about each finding.

import type { Both } from "@shared/language.ts";
import type { Mistake } from "@shared/signing.ts";

export const FINDINGS: Readonly<Record<Mistake | "der" | "url_base64", Both>> = {
  no_last_line_feed: { zh: "少了最后一个换行：请求体后面也要有换行符，没有请求体时也一样。", en: "The last line feed is missing: one follows the body too, even an empty one." },
  crlf: { zh: "用了 CRLF 换行：只能用 LF(\\n)。", en: "The lines end with CRLF: only LF (\\n) will do." },
  body_with_line_feed: { zh: "签名时请求体多了一个换行(常见于 echo 或编辑器保存)，发送的请求体没有。", en: "The signed body has one more line feed (echo and editors add it) than the body that was sent." },
  no_query: { zh: "签名时少了查询字符串：路径要带上 ?query,与发送的一致。", en: "The query is missing in the signed text: sign path and ?query as sent." },
  decoded_target: { zh: "签名时用了解码后的路径：百分号编码要与发送的一致。", en: "The decoded path was signed: keep the percent-encoding as sent." },
  lower_method: { zh: "方法用了小写：要大写，如 POST。", en: "The method was signed in lower case: write POST." },
  no_body: { zh: "签名时没有请求体：签的是发送的字节。", en: "The body was left out: sign the bytes that are sent." },
  body_again: { zh: "请求体被重新序列化过：签的是另一种空白的 JSON。请只序列化一次，签什么就发什么。", en: "The body was serialised again: the signed JSON has other whitespace. Serialise once and send what you signed." },
  body_spaced: { zh: "请求体被重新序列化过：签的是 Python json.dumps 默认格式(逗号、冒号后有空格，非 ASCII 转义)。", en: "The body was serialised again: what was signed is Python's default json.dumps, with spaces and ASCII escapes." },
  body_pretty: { zh: "请求体被重新序列化过：签的是带缩进的 JSON。", en: "The body was serialised again: what was signed is indented JSON." },
  milliseconds: { zh: "时间戳用了毫秒：要用秒。", en: "The signed timestamp is in milliseconds: use seconds." },
  nonce_before_time: { zh: "时间戳与随机串的次序反了：时间戳在前。", en: "Timestamp and nonce are in the wrong order: the timestamp comes first." },
  der: { zh: "签名是 DER 编码:SM2 要用 r 和 s 各 32 字节连在一起。", en: "The signature is DER: SM2 wants r and s, 32 bytes each, one after the other." },
  url_base64: { zh: "签名用了 base64url 或缺少填充：要用标准 base64 带 =。", en: "The signature is base64url or lacks padding: use standard base64 with =." },
};
