// The start page: where an integration goes, and where to begin.

import { groups } from "virtual:documents";

import type { Both } from "@shared/language.ts";

import { useLanguage, useTitle } from "../language.tsx";
import { Link } from "../router.tsx";

/** The first page of the documents whose path has `word` in it, else all of them. */
function pageAbout(word: string): string {
  const found = groups.flatMap(({ pages }) => pages).find(({ path }) => path.includes(word));
  return found === undefined ? "/docs" : `/docs/${found.path}`;
}

const STEPS: readonly { to: string; name: Both; how: Both }[] = [
  { to: "/choose", name: { zh: "规划", en: "Plan" }, how: { zh: "哪个产品适合您的场景", en: "Which product fits your case" } },
  { to: "/quickstart", name: { zh: "沙箱", en: "Sandbox" }, how: { zh: "十分钟收到第一笔付款", en: "The first payment in ten minutes" } },
  { to: pageAbout("conform"), name: { zh: "一致性测试", en: "Conformance" }, how: { zh: "重复、超时、伪造通知都要对", en: "Duplicates, lost answers, forged notices" } },
  { to: pageAbout("going-live"), name: { zh: "上线", en: "Go live" }, how: { zh: "通过测试后换生产密钥", en: "Production keys after a passed suite" } },
  { to: `${pageAbout("going-live")}#7-monitoring--监控`, name: { zh: "监控", en: "Monitor" }, how: { zh: "成功率、延迟、错误码、告警", en: "Success rate, latency, error codes, alerts" } },
];

const WAYS: readonly { to: string; name: Both; how: Both }[] = [
  { to: "/docs/guides/taking-a-payment", name: { zh: "收一笔款", en: "Take a payment" }, how: { zh: "从登记到退款，每个请求体都在测试中运行。", en: "From registration to refund; each body on the page is sent by a test." } },
  { to: "/docs/guides/signing-requests", name: { zh: "请求签名", en: "Sign requests" }, how: { zh: "五行文本、一个请求头，附可逐字节比较的例子。", en: "Five lines, one header, and an example to compare byte by byte." } },
  { to: "/signatures", name: { zh: "签名调试器", en: "Signature debugger" }, how: { zh: "粘贴请求，看被签的文本，并指出常见错误。密钥不离开浏览器。", en: "Paste a request, see the signed text, learn which mistake it is. Nothing leaves the browser." } },
  { to: "/cashier", name: { zh: "收银台与嵌入脚本", en: "Cashier and drop-in script" }, how: { zh: "一行脚本打开收银台，手机和电脑都能付。", en: "One script opens the cashier, on phones and desks." } },
  { to: "/api", name: { zh: "API 参考", en: "API reference" }, how: { zh: "每个接口有自己的地址，可在沙箱里直接运行。", en: "Each operation has its address and runs against a sandbox." } },
  { to: "/feedback", name: { zh: "反馈", en: "Feedback" }, how: { zh: "文档写错了、接口不好用、缺了什么：写给运营人员。", en: "A page that is wrong, a call that is awkward: tell the operators." } },
  { to: "/errors", name: { zh: "错误码", en: "Error codes" }, how: { zh: "每个错误码一页：原因、处理、哪些接口会给出。", en: "A page for each: cause, fix, which operations answer it." } },
];

export function Home() {
  const { say } = useLanguage();
  useTitle(null);
  return (
    <div className="home">
      <section className="hero">
        <h1>{say({ zh: "接入数字人民币收款，不必猜", en: "Connect digital yuan payments without guessing" })}</h1>
        <p>
          {say({
            zh: "本地沙箱，无需任何线上账号；签名错了告诉您错在哪里；每笔付款都有任何人可验证的凭证。",
            en: "A sandbox on your own machine, no online account; a wrong signature tells you what is wrong; every payment has a receipt that anyone can verify.",
          })}
        </p>
        <p className="calls">
          <Link to="/quickstart" className="button primary">
            {say({ zh: "十分钟快速开始", en: "Quick start in ten minutes" })}
          </Link>
          <Link to="/api" className="button">
            {say({ zh: "看 API", en: "See the API" })}
          </Link>
        </p>
      </section>
      <section className="path" aria-labelledby="path-title">
        <h2 id="path-title">{say({ zh: "从想法到生产", en: "From an idea to production" })}</h2>
        <div className="river">
          <svg viewBox="0 0 1000 60" preserveAspectRatio="none" aria-hidden="true">
            <path d="M0 30c50-34 150-34 200 0s150 34 200 0 150-34 200 0 150 34 200 0 150-34 200 0" />
          </svg>
          <ol>
            {STEPS.map(({ to, name, how }, at) => (
              <li key={name.en}>
                <Link to={to}>
                  <span className="number" aria-hidden="true">
                    {at + 1}
                  </span>
                  <strong>{say(name)}</strong>
                  <span>{say(how)}</span>
                </Link>
              </li>
            ))}
          </ol>
        </div>
      </section>
      <section aria-labelledby="ways-title">
        <h2 id="ways-title">{say({ zh: "常用入口", en: "Often needed" })}</h2>
        <ul className="cards">
          {WAYS.map(({ to, name, how }) => (
            <li key={to}>
              <Link to={to}>
                <strong>{say(name)}</strong>
                <span>{say(how)}</span>
              </Link>
            </li>
          ))}
        </ul>
      </section>
    </div>
  );
}
