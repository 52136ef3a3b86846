// Words about how the wallet looks and speaks.

import type { Both } from "@shared/language.ts";

export const look = {
  title: { zh: "设置", en: "Settings" },
  language: { zh: "语言", en: "Language" },
  otherLanguage: { zh: "English", en: "中文" },
  theme: { zh: "颜色", en: "Colours" },
  system: { zh: "跟随系统", en: "As the system" },
  light: { zh: "浅色", en: "Light" },
  dark: { zh: "深色", en: "Dark" },
  elder: { zh: "长辈模式", en: "Elder mode" },
  elderOn: { zh: "长辈模式", en: "Elder mode" },
  elderOff: { zh: "标准模式", en: "Standard" },
  elderHow: { zh: "大字、大按钮、没有弹窗。", en: "Large text, large buttons, nothing that pops up." },
  size: { zh: "字号", en: "Size of the text" },
  sizeOf: { zh: "{n} 像素", en: "{n} pixels" },
  hidden: { zh: "首页隐藏余额", en: "Hide the balance at home" },
  whatIs: { zh: "什么是数字人民币？", en: "What is the digital yuan?" },
  here: { zh: "这些设置只保存在本机。", en: "These settings stay on this device." },
} as const satisfies Record<string, Both>;
