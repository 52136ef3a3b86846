// Which product for which need: answered by two questions, or read as a table.

import { useState } from "react";

import type { Both } from "@shared/language.ts";

import { useLanguage, useTitle } from "../language.tsx";
import { Link } from "../router.tsx";

type Place = "counter" | "web" | "app" | "machine" | "subscription" | "payout";

const PLACES: readonly { place: Place; name: Both }[] = [
  { place: "counter", name: { zh: "门店柜台", en: "At a counter" } },
  { place: "web", name: { zh: "网站", en: "On a website" } },
  { place: "app", name: { zh: "手机页面或 App", en: "On a phone" } },
  { place: "machine", name: { zh: "自助机、地铁、停车", en: "Machines, metro, parking" } },
  { place: "subscription", name: { zh: "周期扣款", en: "Recurring charges" } },
  { place: "payout", name: { zh: "发工资、补贴、分账", en: "Paying out and sharing" } },
];

interface Product {
  readonly id: string;
  readonly name: Both;
  readonly places: readonly Place[];
  readonly how: Both;
  readonly needs: Both;
  readonly risk: Both;
  readonly to: string;
}

const PRODUCTS: readonly Product[] = [
  {
    id: "dynamic",
    name: { zh: "动态码", en: "Dynamic code" },
    places: ["counter", "machine", "web"],
    how: { zh: "每笔订单一个二维码，金额在码里，顾客扫码付款。", en: "A code for each order with the amount in it; the payer scans." },
    needs: { zh: "能显示二维码的屏幕，和一台签名的服务器", en: "A screen for the code, and a server that signs" },
    risk: { zh: "金额不会输错；一单只付一次", en: "The amount cannot be mistyped; an order is paid once" },
    to: "/docs/guides/taking-a-payment",
  },
  {
    id: "cashier",
    name: { zh: "收银台页面", en: "Cashier page" },
    places: ["web", "app"],
    how: { zh: "打开订单的 cashier_url:电脑显示二维码，手机打开钱包，付完回到您的页面。", en: "Open the order's cashier_url: a code on a desk, the wallet on a phone, and back to your page." },
    needs: { zh: "一行脚本或一次跳转，和一台签名的服务器", en: "One line of script or a redirect, and a server that signs" },
    risk: { zh: "页面结果只是提示，发货以服务器查询为准", en: "What the page says is a hint: deliver by what your server asks" },
    to: "/docs/guides/cashier",
  },
  {
    id: "consumer",
    name: { zh: "付款码(被扫)", en: "Consumer code" },
    places: ["counter"],
    how: { zh: "收银员扫顾客手机上 60 秒有效的付款码。", en: "The cashier scans a code on the payer's phone, valid for 60 seconds." },
    needs: { zh: "扫码枪，并能处理 USERPAYING", en: "A scanner, and handling of USERPAYING" },
    risk: { zh: "超过免密额时顾客要在手机上确认；不确认要撤销", en: "Above the no-PIN amount the payer confirms; without it, take it back" },
    to: "/docs/guides/ways-to-pay",
  },
  {
    id: "static",
    name: { zh: "静态码", en: "Static code" },
    places: ["counter"],
    how: { zh: "一张贴纸，顾客自己输入金额。", en: "A sticker; the payer types the amount." },
    needs: { zh: "不需要设备", en: "No device at all" },
    risk: { zh: "金额由顾客输入，限额较低，注意贴纸被调换", en: "The payer types, limits are lower, and stickers can be swapped" },
    to: "/docs/guides/ways-to-pay",
  },
  {
    id: "mandate",
    name: { zh: "子钱包推送", en: "Sub-wallet (mandate)" },
    places: ["app", "machine", "subscription"],
    how: { zh: "顾客授权一次，限额内免密扣款。", en: "Authorised once by the payer, charged without a PIN inside its limits." },
    needs: { zh: "保管令牌，并处理暂停与撤销", en: "Keeping the token, and handling of pause and revocation" },
    risk: { zh: "限额在账本内核里执行，超不过去", en: "Limits are enforced inside the ledger's kernel" },
    to: "/docs/guides/ways-to-pay",
  },
  {
    id: "debit",
    name: { zh: "周期扣款", en: "Recurring debit" },
    places: ["subscription"],
    how: { zh: "顾客在钱包里同意协议，每次扣款前先通知，到期自动扣。", en: "The payer agrees in the wallet; each debit is announced first and made when it is due." },
    needs: { zh: "协议条款，和每期的扣款单号", en: "The terms, and a number for each debit" },
    risk: { zh: "余额不足时不重试，或七天内重试三次；双方都可取消", en: "Without money: no retry, or three in seven days; either side may cancel" },
    to: "/docs/guides/recurring-debit",
  },
  {
    id: "refund",
    name: { zh: "退款", en: "Refunds" },
    places: ["counter", "web", "app", "machine", "subscription"],
    how: { zh: "可分多次，合计不超过原付款；大额可要求第二人批准。", en: "In parts, never more than was paid; large ones may need a second person." },
    needs: { zh: "自己的退款单号", en: "A refund number of your own" },
    risk: { zh: "同号重发不会多退", en: "The same number again never pays twice" },
    to: "/docs/guides/taking-a-payment",
  },
  {
    id: "payout",
    name: { zh: "批量付款", en: "Payouts" },
    places: ["payout"],
    how: { zh: "工资、补贴、退费：一批最多十万笔，先整体校验，再逐笔执行。", en: "Wages, subsidies, repayments: up to 100,000 lines, checked as a whole, then paid one by one." },
    needs: { zh: "收款人的钱包号或手机号与姓名；大额批次由所有者批准", en: "Wallet ids, or phones with names; large batches wait for the owner" },
    risk: { zh: "每笔一个单号，中断后继续，不会多付", en: "A number for each line: what was interrupted goes on and pays nothing twice" },
    to: "/docs/guides/payouts",
  },
  {
    id: "split",
    name: { zh: "分账", en: "Splits" },
    places: ["payout", "web", "app"],
    how: { zh: "订单付款后冻结，再按金额或比例分给接收方，余下解冻。", en: "An order's money is frozen when paid, then shared by amount or percent; the rest is released." },
    needs: { zh: "下单时 split 为 true，和同意接收的对方", en: "split: true on the order, and receivers who have agreed" },
    risk: { zh: "分出合计不超过订单金额；经同意可收回", en: "Shares never exceed the order; with consent they can be taken back" },
    to: "/docs/guides/splitting",
  },
  {
    id: "settlement",
    name: { zh: "结算到银行", en: "Settlement" },
    places: ["payout"],
    how: { zh: "余额每天或随时转到已绑定的银行账户，一批一个单号。", en: "The balance goes to your bank account, daily or when you ask, one number a batch." },
    needs: { zh: "绑定商户的银行账户", en: "A linked bank account" },
    risk: { zh: "银行没有答复时保持处理中，不会再付一次", en: "While the bank says nothing a batch stays in progress and is never paid again" },
    to: "/docs/guides/settlement",
  },
  {
    id: "bulk",
    name: { zh: "银行批量", en: "Banks' bulk work" },
    places: ["payout"],
    how: { zh: "运营机构用二进制协议成批转移，每秒数十万笔。", en: "Institutions move thousands of transfers in one frame." },
    needs: { zh: "机构身份与密钥", en: "To be an institution, with its key" },
    risk: { zh: "每笔编号唯一，重发安全", en: "Each transfer's id is unique; sending again is safe" },
    to: "/docs/guides/bulk",
  },
];

export default function Choose() {
  const { say } = useLanguage();
  const [place, setPlace] = useState<Place | null>(null);
  useTitle(say({ zh: "选择产品", en: "Which product" }));
  const shown = PRODUCTS.filter(({ places }) => place === null || places.includes(place));
  return (
    <div className="page broad">
      <h1>{say({ zh: "哪个产品适合您", en: "Which product fits" })}</h1>
      <p className="lead">{say({ zh: "先说在哪里收款:", en: "Where are you paid?" })}</p>
      <div className="choices" role="group" aria-label={say({ zh: "收款场景", en: "Where" })}>
        {PLACES.map(({ place: one, name }) => (
          <button key={one} type="button" aria-pressed={one === place} onClick={() => setPlace(one === place ? null : one)}>
            {say(name)}
          </button>
        ))}
      </div>
      <p className="soft">
        {say({ zh: "已开始进件？填写需求表，应答会按公布的规则给出产品、客户端与文档：", en: "Applying already? Fill in the requirements form; its answer names products, client and pages by published rules: " })}
        <Link to="/docs/guides/going-live#2-platform-choice--平台选择">{say({ zh: "平台选择", en: "platform choice" })}</Link>
      </p>
      <div className="table" tabIndex={0}>
        <table>
          <caption role="status">{say({ zh: `${shown.length} 个产品`, en: `${shown.length} products` })}</caption>
          <thead>
            <tr>
              <th scope="col">{say({ zh: "产品", en: "Product" })}</th>
              <th scope="col">{say({ zh: "怎么付", en: "How it is paid" })}</th>
              <th scope="col">{say({ zh: "您需要", en: "You need" })}</th>
              <th scope="col">{say({ zh: "要知道", en: "Mind" })}</th>
            </tr>
          </thead>
          <tbody>
            {shown.map(({ id, name, how, needs, risk, to }) => (
              <tr key={id}>
                <th scope="row">
                  <Link to={to}>{say(name)}</Link>
                </th>
                <td>{say(how)}</td>
                <td>{say(needs)}</td>
                <td>{say(risk)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}
