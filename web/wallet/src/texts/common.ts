// Words that every page uses.

import type { Both } from "@shared/language.ts";

export const common = {
  name: { zh: "嘉陵钱包", en: "Jialing Wallet" },
  back: { zh: "返回", en: "Back" },
  skip: { zh: "跳到正文", en: "Skip to the page" },
  loading: { zh: "正在加载…", en: "Loading…" },
  again: { zh: "重试", en: "Try again" },
  next: { zh: "下一步", en: "Next" },
  done: { zh: "完成", en: "Done" },
  cancel: { zh: "取消", en: "Cancel" },
  confirm: { zh: "确认", en: "Confirm" },
  save: { zh: "保存", en: "Save" },
  show: { zh: "显示", en: "Show" },
  hide: { zh: "隐藏", en: "Hide" },
  more: { zh: "查看更多", en: "Show more" },
  all: { zh: "全部", en: "All" },
  copied: { zh: "已复制", en: "Copied" },
  offline: { zh: "没有连上网络", en: "There is no connection" },
  offlineHow: { zh: "请检查网络后重试。付款码和看过的账单没有网络也能打开。", en: "Check your network and try again. The pay code and records that you have seen open without it." },
  offlineSeen: { zh: "没有网络，以下是上次看到的内容。", en: "No network: this is what you saw last." },
  broken: { zh: "出了点问题", en: "Something went wrong" },
  nothing: { zh: "这里还没有内容", en: "There is nothing here yet" },
  missing: { zh: "没有这个页面", en: "There is no such page" },
  missingHow: { zh: "链接可能不完整，或者内容已经不在了。", en: "The link may be incomplete, or the thing is gone." },
  toHome: { zh: "回到首页", en: "To the home page" },
  tabs: { zh: "主要页面", en: "Main pages" },
  tabHome: { zh: "首页", en: "Home" },
  tabCode: { zh: "付款码", en: "Pay code" },
  tabRecords: { zh: "账单", en: "Records" },
  tabMe: { zh: "我的", en: "Me" },
  amount: { zh: "金额", en: "Amount" },
  time: { zh: "时间", en: "Time" },
  state: { zh: "状态", en: "State" },
  wallet: { zh: "钱包", en: "Wallet" },
  payee: { zh: "收款方", en: "To" },
  unread: { zh: "{n} 条未读", en: "{n} unread" },
  isUnread: { zh: "未读", en: "Unread" },
  somebody: { zh: "某人", en: "Somebody" },
  amountFault: { zh: "请输入金额，最多两位小数", en: "Enter an amount with at most two decimals" },
  notThere: { zh: "这台服务器还没有这项功能", en: "This server does not offer this yet" },
  notThereHow: { zh: "功能上线后，这里会自动出现。", en: "It will appear here once it does." },
  noDevice: { zh: "这台设备还没有绑定", en: "This device is not bound yet" },
  noDeviceHow: { zh: "可以查看，但不能付款。绑定后，付款由本机的密钥签名。", en: "You can look but not pay. Once it is bound, this device's key signs what you pay." },
  bindNow: { zh: "绑定本机", en: "Bind this device" },
} as const satisfies Record<string, Both>;

/** Classes and levels, as people call them. */
export const classes = {
  I: { zh: "一类", en: "Class I" },
  II: { zh: "二类", en: "Class II" },
  III: { zh: "三类", en: "Class III" },
  IV: { zh: "四类", en: "Class IV" },
  ORGANISATION: { zh: "单位", en: "Organisation" },
} as const satisfies Record<string, Both>;

export const walletStates = {
  ACTIVE: { zh: "正常", en: "Active" },
  LIMITED: { zh: "受限", en: "Limited" },
  DEBIT_FROZEN: { zh: "止付", en: "Outgoing frozen" },
  CREDIT_FROZEN: { zh: "止收", en: "Incoming frozen" },
  FROZEN: { zh: "冻结", en: "Frozen" },
  LOST: { zh: "已挂失", en: "Frozen by you" },
  CLOSED: { zh: "已注销", en: "Closed" },
} as const satisfies Record<string, Both>;

/** What a movement was. */
export const kinds = {
  payment: { zh: "付款", en: "Payment" },
  refund: { zh: "退款", en: "Refund" },
  transfer: { zh: "转账", en: "Transfer" },
  top_up: { zh: "充值", en: "Top-up" },
  withdrawal: { zh: "提现", en: "Withdrawal" },
  sweep: { zh: "清空转出", en: "Sweep" },
  withdrawal_return: { zh: "提现退回", en: "Returned withdrawal" },
  payout: { zh: "商户付款", en: "Payout" },
  red_packet: { zh: "红包", en: "Red packet" },
  red_packet_return: { zh: "红包退回", en: "Returned red packet" },
  other: { zh: "其他", en: "Other" },
} as const satisfies Record<string, Both>;

export function kindText(kind: string): Both {
  return kind in kinds ? kinds[kind as keyof typeof kinds] : kinds.other;
}
