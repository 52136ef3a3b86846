// What the platform's problems mean for the person who holds the phone: what happened, and what to do.
//
// Decided by the code, which never changes. A code that is not here is told in general words with its
// name and the request's number, so that help can find it.

import type { ProblemBody } from "@shared/api.ts";
import type { Both, Language } from "@shared/language.ts";
import { yuan } from "@shared/money.ts";

interface Words {
  readonly title: Both;
  readonly more: Both;
}

const w = (zh: string, zhMore: string, en: string, enMore: string): Words => ({ title: { zh, en }, more: { zh: zhMore, en: enMore } });

export const problems: Readonly<Record<string, Words>> = {
  invalid_request: w("填写的内容有误", "请检查后再试。", "Something entered is not right", "Check it and try again."),
  amount_invalid: w("金额无效", "请输入大于零、最多两位小数的金额。", "The amount is not valid", "Enter an amount above zero with at most two decimals."),
  not_found: w("没有找到", "可能已失效，或者不属于您。", "Not found", "It may be over, or not yours."),
  unauthenticated: w("请重新登录", "登录已过期或已在别处结束。", "Sign in again", "Your session has expired or was ended elsewhere."),
  sign_in_failed: w("手机号、密码或验证码不对", "请核对后再试。多次失败后需要等待。", "The phone, password or code is not right", "Check them and try again. After several failures there is a wait."),
  forbidden: w("不能这样操作", "您的身份等级或权限不允许。", "You may not do this", "Your identity level does not allow it."),
  nonce_reused: w("这次签名已经用过", "请重新确认一次。", "This signature was used before", "Confirm once more."),
  idempotency_key_reused: w("请求冲突", "请返回后重新填写。", "The requests conflict", "Go back and fill it in again."),
  in_progress: w("正在处理", "请稍候，不要重复操作。", "It is being worked on", "Wait a moment, and do not do it twice."),
  conflict: w("已经有一笔内容不同的", "请返回后重新发起。", "There is one already, with other content", "Go back and begin again."),
  state_conflict: w("现在不能这样操作", "状态已经变了，请刷新后再看。", "This is not possible now", "The state has changed: look again."),
  rate_limited: w("操作太频繁", "请稍等一会儿再试。", "Too many tries", "Wait a little and try again."),
  overloaded: w("服务繁忙", "请稍后再试。", "The service is busy", "Try again in a moment."),
  outcome_unknown: w("结果还不知道", "正在查询，请不要重复操作。", "The outcome is not known yet", "It is being checked: do not do it twice."),
  stopping: w("服务正在更新", "请稍后再试。", "The service is being updated", "Try again in a moment."),
  internal: w("服务出错了", "不是您的问题，请稍后再试。", "Something went wrong on our side", "It is not your fault. Try again in a moment."),
  code_invalid: w("验证码不对或已过期", "请核对最新一条短信，或重新获取。", "The code is not right, or too old", "Look at the newest message, or ask for another."),
  factor_invalid: w("验证没有通过", "请核对后再试。", "The check did not pass", "Look again and try once more."),
  passkey_invalid: w("通行密钥验证没有通过", "请再试一次，或改用支付密码。", "The passkey was not accepted", "Try again, or use the PIN."),
  notice_unavailable: w("验证码暂时发不出去", "请稍后再试。", "The code could not be sent", "Try again in a moment."),
  password_weak: w("密码太简单", "请用 10 位以上、不易猜到的密码，不要包含手机号。", "The password is too weak", "Use 10 characters or more that nobody guesses, without your phone number."),
  pin_required: w("请输入支付密码", "这笔金额需要支付密码。", "The PIN is needed", "This amount needs your payment PIN."),
  pin_invalid: w("支付密码不对", "请再试一次。连续输错会暂时锁定。", "The PIN is not right", "Try again. Several wrong ones in a row lock it for a while."),
  pin_locked: w("支付密码已锁定", "输错次数太多，请等待，或用验证码重设。", "The PIN is locked", "There were too many wrong ones. Wait, or set a new one with a code."),
  pin_not_set: w("还没有设置支付密码", "请先到安全中心设置。", "No PIN is set", "Set one in the security centre first."),
  pin_weak: w("支付密码太简单", "不要用重复、连续的数字，也不要用生日或手机尾号。", "The PIN is too easy", "No repeated digits, runs, birthdays or the end of your phone number."),
  device_unknown: w("本机还没有绑定", "请先绑定本机，再付款。", "This device is not bound", "Bind this device first."),
  device_signature_invalid: w("本机签名没有通过", "请重新绑定本机。", "The device's signature was not accepted", "Bind this device again."),
  proof_of_possession_invalid: w("本机密钥验证没有通过", "请重试。", "The device's key was not accepted", "Try again."),
  second_factor_required: w("需要再验证一次身份", "请输入发到手机的验证码。", "One more check is needed", "Enter the code sent to your phone."),
  evidence_expired: w("确认超时了", "请重新确认一次。没有扣款。", "The confirmation is too old", "Confirm once more. No money was taken."),
  identity_mismatch: w("身份信息不一致", "请核对姓名和证件号码，须与手机号的登记一致。", "The identity could not be confirmed", "Check name and number; they must fit your phone's registration."),
  identity_taken: w("该身份已用于其他账户", "如果不是您本人的账户，请联系客服。", "The identity belongs to another account", "If that account is not yours, contact us."),
  phone_taken: w("该手机号已经注册", "请直接登录。", "The phone has an account already", "Sign in instead."),
  wallet_unavailable: w("钱包现在不能这样用", "可能已挂失、冻结或正在注销。", "The wallet cannot be used for this now", "It may be frozen, or about to close."),
  wallet_not_empty: w("钱包里还有钱", "请先把余额转出。", "The wallet still holds money", "Move the balance out first."),
  balance_too_low: w("余额不足", "请先充值，或换一个钱包。没有扣款。", "The balance does not suffice", "Top up, or use another wallet. No money was taken."),
  balance_too_high: w("超过钱包余额上限", "升级钱包等级可以放得更多。", "The wallet would hold more than it may", "A higher wallet class holds more."),
  over_single_limit: w("超过单笔限额", "可以分几笔，或升级钱包等级。没有扣款。", "Above the limit for one payment", "Pay in parts, or raise your wallet's class. No money was taken."),
  over_day_limit: w("超过今天的限额", "明天零点恢复；升级钱包等级限额更高。没有扣款。", "Above today's limit", "It begins anew at midnight; a higher class allows more. No money was taken."),
  over_year_limit: w("超过今年的限额", "升级钱包等级限额更高。没有扣款。", "Above this year's limit", "A higher class allows more. No money was taken."),
  ledger_refused: w("账本拒绝了这笔", "没有扣款。", "The ledger refused it", "No money was taken."),
  payee_unknown: w("没有找到收款人", "对方可能没有开通手机号收款。请核对号码，不要反复尝试。", "No payee was found", "They may not be found by phone. Check the number; do not try at random."),
  bank_refused: w("银行拒绝了", "请核对卡号、余额，或联系银行。", "The bank refused", "Check the account and its balance, or ask your bank."),
  bank_unavailable: w("银行暂时没有回应", "请稍后再试。", "The bank does not answer", "Try again in a moment."),
  link_unusable: w("这张银行卡现在不能用", "请重新绑定。", "This bank account cannot be used", "Link it again."),
  order_closed: w("订单已关闭", "没有扣款。请让商户重新下单。", "The order is closed", "No money was taken. Ask the shop for a new order."),
  order_paid: w("订单已经付过了", "没有重复扣款。", "The order is already paid", "You were not charged twice."),
  amount_mismatch: w("金额与订单不一致", "没有扣款。请重新扫码。", "The amounts differ", "No money was taken. Scan again."),
  merchant_inactive: w("商户现在不能收款", "没有扣款。", "The merchant cannot be paid now", "No money was taken."),
  payment_code_invalid: w("这不是付款码", "请重新打开付款码。", "This is no payment code", "Open the pay code again."),
  payment_code_expired: w("付款码已过期", "请让商户扫最新的码。", "The payment code is too old", "Let the shop scan the newest one."),
  payment_code_used: w("付款码已用过", "请让商户扫最新的码。", "The payment code was used", "Let the shop scan the newest one."),
  payer_refused: w("您拒绝了这笔付款", "没有扣款。", "You said no to this payment", "No money was taken."),
  debit_agreement_unusable: w("代扣协议现在不能用", "可能已过期或已取消。", "The debit agreement cannot be used", "It may be over or cancelled."),
  mandate_unusable: w("子钱包现在不能用", "可能已暂停或已关闭。", "The sub-wallet cannot be used", "It may be paused or ended."),
  // What banks say themselves.
  INSUFFICIENT_FUNDS: w("银行卡余额不足", "没有扣款。", "The bank account holds too little", "No money was taken."),
  not_received: w("银行没有收到请求", "没有扣款，可以再试。", "The bank never saw the request", "No money was taken; you can try again."),
  expired: w("银行没有及时处理", "没有扣款，可以再试。", "The bank did not do it in time", "No money was taken; you can try again."),
  late_success: w("银行处理晚了，钱已退回原处", "可以再试。", "The bank was too late, and the money went back", "You can try again."),
};

/** Words for what the limits leave, where the problem says it. */
function leftOf(problem: ProblemBody & { left?: unknown; limit?: unknown }, language: Language): string {
  if (typeof problem.left !== "number" || !Number.isSafeInteger(problem.left)) return "";
  return language === "zh" ? ` 现在还可用 ¥${yuan(problem.left)}。` : ` ¥${yuan(problem.left)} is left now.`;
}

function waitOf({ retry_after }: ProblemBody, language: Language): string {
  if (retry_after === undefined || retry_after <= 0) return "";
  const minutes = Math.ceil(retry_after / 60);
  if (retry_after < 90) return language === "zh" ? ` 请等 ${retry_after} 秒。` : ` Wait ${retry_after} seconds.`;
  return language === "zh" ? ` 请等约 ${minutes} 分钟。` : ` Wait about ${minutes} minutes.`;
}

export function problemText(problem: ProblemBody, language: Language): { title: string; more: string } {
  const words = problems[problem.code];
  if (words === undefined) {
    const number = problem.request_id ?? "";
    return language === "zh"
      ? { title: "没有成功", more: `原因代码 ${problem.code}。${number}` }
      : { title: problem.title, more: `${problem.detail ?? ""} ${problem.code} ${number}`.trim() };
  }
  const field = problem.code === "invalid_request" && problem.detail ? ` (${problem.field ?? ""} ${problem.detail})` : "";
  return { title: words.title[language], more: `${words.more[language]}${leftOf(problem, language)}${waitOf(problem, language)}${field}` };
}

/** The words of a bare code, as failed things carry it. */
export function reasonText(code: string, language: Language): { title: string; more: string } {
  return problemText({ code, title: code, status: 0, retryable: false }, language);
}
