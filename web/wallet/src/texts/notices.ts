// Notices in words: the platform tells a code with parameters.

import type { Both, Language } from "@shared/language.ts";
import { type Money, shownMoney } from "@shared/money.ts";

import type { Notice } from "../api/types.ts";
import { fill } from "../settings.tsx";

export const notices: Readonly<Record<string, Both>> = {
  PAYMENT_MADE: { zh: "付款 {amount} 给{who}", en: "You paid {amount} to {who}" },
  REFUND_RECEIVED: { zh: "{who}退款 {amount}", en: "{who} gave {amount} back" },
  TRANSFER_MADE: { zh: "转账 {amount} 给{who}", en: "You sent {amount} to {who}" },
  TRANSFER_RECEIVED: { zh: "{who}转来 {amount}", en: "{who} sent you {amount}" },
  TOP_UP_DONE: { zh: "充值 {amount} 到账", en: "A top-up of {amount} has arrived" },
  WITHDRAWAL_DONE: { zh: "提现 {amount} 到账", en: "A withdrawal of {amount} has arrived" },
  WITHDRAWAL_RETURNED: { zh: "提现 {amount} 被退回", en: "A withdrawal of {amount} came back" },
  WALLET_SWEPT: { zh: "钱包清空，{amount} 转到银行卡", en: "The wallet was emptied: {amount} went to your bank" },
  WEBHOOK_DISABLED: { zh: "店铺{merchant}的通知地址已停用", en: "An endpoint of {merchant} was disabled" },
  KEY_EXPIRING: { zh: "店铺{merchant}的签名密钥将在 {days} 天后过期", en: "A signing key of {merchant} ends in {days} days" },
  CONFIRM_PAYMENT: { zh: "{who}请您确认付款 {amount}", en: "{who} asks you to confirm {amount}" },
  DEBIT_AHEAD: { zh: "{who}将代扣 {amount}", en: "{who} is going to debit {amount}" },
  DEBIT_FAILED: { zh: "{who}代扣 {amount} 没有成功", en: "A debit of {amount} by {who} failed" },
  SECURITY: { zh: "安全提醒：{event}", en: "Security: {event}" },
  DEVICE_REQUEST: { zh: "新设备“{name}”请求批准，核对数字 {number}", en: "A new device “{name}” asks for approval, number {number}" },
  RED_PACKET_RECEIVED: { zh: "收到{who}的红包 {amount}", en: "A red packet of {amount} from {who}" },
  RED_PACKET_RETURNED: { zh: "红包余下的 {amount} 已退回", en: "{amount} of a red packet came back" },
  PAYMENT_REQUESTED: { zh: "{who}请您付 {amount}", en: "{who} asks you for {amount}" },
  REQUEST_PAID: { zh: "{who}付了您请的 {amount}", en: "{who} paid the {amount} that you asked for" },
  REQUEST_DECLINED: { zh: "{who}没有同意您请的 {amount}", en: "{who} declined the {amount} that you asked for" },
  TRANSFER_COMING: { zh: "{who}转来 {amount}，将在 {arrives_at} 到账", en: "{who} sent {amount}; it arrives at {arrives_at}" },
  TRANSFER_REVOKED: { zh: "{who}撤回了转账 {amount}", en: "{who} took back {amount}" },
  TICKET_ANSWERED: { zh: "您的工单有了回复", en: "Your ticket was answered" },
};

/** What happened, for the security log and its notices. */
export const events: Readonly<Record<string, Both>> = {
  "session.sign_in": { zh: "登录", en: "Signed in" },
  "session.end": { zh: "结束一个会话", en: "A session was ended" },
  "session.end_all": { zh: "退出所有设备", en: "All sessions were ended" },
  "device.bind": { zh: "绑定设备", en: "A device was bound" },
  "device.revoke": { zh: "移除设备", en: "A device was removed" },
  "device.request": { zh: "新设备请求绑定", en: "A new device asked to be bound" },
  "device.approve": { zh: "批准新设备", en: "A new device was approved" },
  "device.refuse": { zh: "拒绝新设备", en: "A new device was refused" },
  "pin.set": { zh: "设置支付密码", en: "The PIN was set" },
  "pin.change": { zh: "修改支付密码", en: "The PIN was changed" },
  "passkey.add": { zh: "添加通行密钥", en: "A passkey was added" },
  "passkey.remove": { zh: "移除通行密钥", en: "A passkey was removed" },
  "authenticator.add": { zh: "启用验证器", en: "The authenticator was added" },
  "authenticator.remove": { zh: "停用验证器", en: "The authenticator was removed" },
  "recovery_codes.renew": { zh: "更换恢复码", en: "New recovery codes" },
  "recovery_code.use": { zh: "使用恢复码", en: "A recovery code was used" },
  "wallet.freeze": { zh: "冻结钱包", en: "The wallet was frozen" },
  "wallet.lift": { zh: "解除冻结", en: "The freeze was lifted" },
  "wallet.limit": { zh: "修改自己的限额", en: "Own limits were changed" },
  "wallet.close": { zh: "注销钱包", en: "A wallet was closed" },
  "person.sign_up": { zh: "开户", en: "The account was opened" },
  "person.recover": { zh: "重设登录密码", en: "The password was set anew" },
  "person.erase": { zh: "注销账户", en: "The account was closed" },
  "alias.show": { zh: "允许用手机号找到我", en: "Found by phone: on" },
  "alias.hide": { zh: "不再能用手机号找到我", en: "Found by phone: off" },
  "consent.give": { zh: "给出同意", en: "A consent was given" },
  "consent.withdraw": { zh: "撤回同意", en: "A consent was withdrawn" },
};

export function eventText(event: string, language: Language): string {
  return events[event]?.[language] ?? event;
}

function isMoney(value: unknown): value is Money {
  return typeof value === "object" && value !== null && "amount" in value && "currency" in value;
}

/** Sums of money are told as money, or as the fen in text. */
function shownParam(name: string, value: unknown): string {
  if (isMoney(value)) return shownMoney(value);
  const fen = (name === "amount" || name === "balance") && /^\d{1,15}$/.test(String(value)) ? Number(value) : null;
  return fen === null ? String(value) : shownMoney({ amount: fen, currency: "CNY" });
}

export function noticeText({ code, params }: Notice, language: Language): { title: string; more: string } {
  const words = notices[code]?.[language] ?? code;
  const values: Record<string, string> = {};
  for (const [name, value] of Object.entries(params)) values[name] = shownParam(name, value);
  const english = language === "en" ? (values.counterparty_en ?? values.merchant_en) : undefined;
  values.who = english ?? values.counterparty ?? (language === "zh" ? "对方" : "Somebody");
  if (english !== undefined && values.merchant !== undefined) values.merchant = english;
  if (values.event !== undefined) values.event = eventText(values.event, language);
  const balance = values.balance === undefined ? "" : language === "zh" ? `余额 ${values.balance}` : `Balance ${values.balance}`;
  return { title: fill(words, values), more: [values.description ?? values.note ?? "", balance].filter((part) => part !== "").join(" · ") };
}
