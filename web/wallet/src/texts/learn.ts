// What people should know: chapters of short paragraphs.

import type { Both } from "@shared/language.ts";

export interface Chapter {
  readonly id: string;
  readonly title: Both;
  readonly words: readonly Both[];
}

export const learn = {
  title: { zh: "帮助与学习", en: "Help and learn" },
  verify: { zh: "验证一份凭证文件", en: "Verify a receipt file" },
  feedback: { zh: "意见反馈", en: "Feedback" },
} as const satisfies Record<string, Both>;

export const chapters: readonly Chapter[] = [
  {
    id: "what",
    title: { zh: "什么是数字人民币", en: "What the digital yuan is" },
    words: [
      { zh: "数字人民币是人民币的数字形式，由中国人民银行发行，和纸币、硬币一样是法定货币，一元就是一元。", en: "The digital yuan is the yuan in digital form, issued by the People's Bank of China. Like notes and coins it is legal tender: one yuan is one yuan." },
      { zh: "钱包由商业银行开立和服务。没有银行卡也能用四类钱包收付款。", en: "Wallets are opened and served by banks. A wallet of class IV works without a bank account." },
      { zh: "收款、付款、转账、提现都不收个人手续费。", en: "People pay no fees for receiving, paying, sending or withdrawing." },
    ],
  },
  {
    id: "differs",
    title: { zh: "和存款、虚拟币有什么不同", en: "How it differs from deposits and from crypto" },
    words: [
      { zh: "存款是银行欠您的钱，有利息；钱包里的数字人民币是现金，不计利息。", en: "A deposit is what a bank owes you, with interest. Digital yuan in a wallet is cash and bears none." },
      { zh: "虚拟币没有国家信用，价格会大涨大跌；数字人民币价值稳定，不能炒作，也不需要“挖矿”。", en: "Crypto has no state behind it and its price swings. The digital yuan keeps its value; it cannot be speculated with and is not mined." },
      { zh: "凡是说“数字人民币投资、返利、内部名额”的，都是骗局。", en: "Whoever offers investments, rebates or inside quotas in digital yuan is a swindler." },
    ],
  },
  {
    id: "classes",
    title: { zh: "钱包等级和限额", en: "Classes and limits" },
    words: [
      { zh: "四类：只要手机号，限额最低。三类：核验姓名和证件号。二类：再绑定本人银行卡。一类：到网点当面核验，限额最高。", en: "Class IV needs a phone only and has the lowest limits. Class III: name and identity number checked. Class II: also a bank account of your own. Class I: seen in person at a branch; the highest limits." },
      { zh: "当前等级的余额、单笔、每天、每年限额，在“身份与等级”里能看到，还剩多少也写得清清楚楚。", en: "Your class's limits, and what is left of each, stand under “Identity and class”." },
      { zh: "每一条限额都来自公开的规定，被拒绝时会告诉您是哪一条、还剩多少。", en: "Every limit comes from published rules; a refusal says which one, and what is left." },
    ],
  },
  {
    id: "pay",
    title: { zh: "怎么付款", en: "How to pay" },
    words: [
      { zh: "扫商户的码：点“扫一扫”，核对收款方和金额，确认。", en: "Scan the shop's code: press Scan, check payee and amount, confirm." },
      { zh: "让商户扫您：打开“付款码”。码一分钟一换，没有网络也能用。", en: "Let the shop scan you: open the pay code. It changes every minute and works without network." },
      { zh: "没收到结果时，页面显示“正在确认结果”。请等它告诉您，不要再付一次。就算再点，也不会扣两次。", en: "Where no answer comes the page says “checking”. Wait for it and do not pay again; even if you do, you are not charged twice for the same action." },
    ],
  },
  {
    id: "safe",
    title: { zh: "防骗课", en: "Keeping safe" },
    words: [
      { zh: "验证码、支付密码、付款码，谁要都不给。", en: "Codes, PIN and pay code: give them to nobody." },
      { zh: "没有“安全账户”。让您转账“验证资金”的都是骗子。", en: "There is no “safe account”. Whoever asks you to move money “to verify it” is a swindler." },
      { zh: "不要把付款码截图发给别人，不要在别人指导下共享屏幕。", en: "Do not send pictures of your pay code, nor share your screen while somebody guides you." },
      { zh: "手机丢了：换任何设备登录，在安全中心“一键挂失”，钱只进不出。", en: "Phone lost? Sign in anywhere and freeze the wallet in the security centre: money can only come in." },
    ],
  },
  {
    id: "check",
    title: { zh: "自己核对银行", en: "Checking the bank yourself" },
    words: [
      { zh: "每笔账都有凭证。点“自己验证”，您的浏览器会计算账本的指纹和签名，不需要相信我们。", en: "Every movement has a receipt. Press “Verify it yourself”: your browser computes the ledger's fingerprints and signature and need not trust us." },
      { zh: "凭证被改动一分钱，验证就会失败。", en: "If a receipt is changed by one fen, the check fails." },
    ],
  },
];
