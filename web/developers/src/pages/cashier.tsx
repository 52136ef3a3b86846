// The demonstration of the cashier and its drop-in script, on a page such as a shop's.

import { useEffect, useState } from "react";

import { useLanguage, useTitle } from "../language.tsx";
import { Code } from "../parts/code.tsx";
import { Link } from "../router.tsx";

interface JialingPay {
  open(address: string, options?: { mode?: string; onState?: (state: string) => void }): Promise<{ outcome: string; order_id: string | null }>;
}

const SCRIPT = "/cashier/jialing-pay.js";

const SNIPPET = (origin: string) => `<script src="${origin}${SCRIPT}"></script>
<button id="pay">¥12.50</button>
<script type="module">
  document.getElementById("pay").addEventListener("click", async () => {
    // Your server creates the order and hands its cashier_url to your page.
    const { cashier_url } = await (await fetch("/my/orders", { method: "POST" })).json();
    const { outcome } = await JialingPay.open(cashier_url);
    if (outcome === "paid") location.assign("/my/thanks");
  });
</script>`;

export default function CashierDemo() {
  const { say } = useLanguage();
  const [pay, setPay] = useState<JialingPay | null>(null);
  const [address, setAddress] = useState("");
  const [told, setTold] = useState<readonly string[]>([]);
  useTitle(say({ zh: "收银台", en: "Cashier" }));
  useEffect(() => {
    const loaded = () => setPay((window as unknown as { JialingPay: JialingPay }).JialingPay);
    if ("JialingPay" in window) return loaded();
    const script = document.createElement("script");
    script.src = SCRIPT;
    script.addEventListener("load", loaded);
    document.head.append(script);
  }, []);
  const note = (line: string) => setTold((lines) => [...lines, line]);
  const open = async (mode: "auto" | "popup" | "redirect") => {
    try {
      const result = await pay?.open(address, { mode, onState: (state) => note(`state ${state}`) });
      note(JSON.stringify(result));
    } catch (error) {
      note(String(error));
    }
  };
  return (
    <div className="page">
      <h1>{say({ zh: "收银台与嵌入脚本", en: "The cashier and its drop-in script" })}</h1>
      <p className="lead">
        {say({
          zh: "把订单的 cashier_url 交给脚本：电脑上开新窗口并显示二维码，手机上直接跳转、打开钱包，付完回到您的页面。",
          en: "Give an order's cashier_url to the script: on a desk it opens a window with a code, on a phone it goes there and opens the wallet, and comes back to your page.",
        })}
      </p>
      <Code text={SNIPPET(location.origin)} label="HTML" />
      <p>
        <Link to="/docs/guides/cashier">{say({ zh: "完整说明：状态、消息、安全", en: "All of it: states, messages, safety" })}</Link>
      </p>
      <h2>{say({ zh: "在这里试", en: "Try it here" })}</h2>
      <p>
        {say({ zh: "先在沙箱", en: "First" })} <Link to="/api/create_order">{say({ zh: "创建一个订单", en: "create an order in a sandbox" })}</Link>
        {say({ zh: ",再把回答里的 cashier_url 贴到这里。", en: ", then paste the cashier_url from its answer." })}
      </p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void open("popup");
        }}
      >
        <label className="field">
          <span>cashier_url</span>
          <input type="text" inputMode="url" spellCheck={false} required placeholder={`${location.origin}/cashier/…`} value={address} onChange={(event) => setAddress(event.target.value.trim())} />
        </label>
        <div className="run">
          <button type="submit" className="primary" disabled={pay === null}>
            {say({ zh: "打开窗口", en: "Open the window" })}
          </button>
          <button type="button" disabled={pay === null || address === ""} onClick={() => void open("redirect")}>
            {say({ zh: "跳转", en: "Redirect" })}
          </button>
        </div>
      </form>
      <div className="code" hidden={told.length === 0}>
        <pre role="log" aria-label={say({ zh: "脚本的回答", en: "What the script said" })} tabIndex={0}>
          <code>{told.join("\n")}</code>
        </pre>
      </div>
    </div>
  );
}
