// The modules that build/documents.mjs makes.

declare module "*.css";

declare module "virtual:documents" {
  import type { Both } from "@shared/language.ts";

  export interface Heading {
    id: string;
    text: string;
    depth: number;
  }
  export interface Rendered {
    title: string;
    html: string;
    headings: Heading[];
  }
  export interface PageEntry {
    path: string;
    about: string;
    title: { en: string; zh: string | null };
    translated: boolean;
    /** The original itself has Chinese in it. */
    mixed: boolean;
    /** The original changed after it was translated. */
    stale: boolean;
  }
  export const groups: { name: Both; pages: PageEntry[] }[];
  export const load: Record<string, () => Promise<{ default: Rendered }>>;
}

declare module "virtual:search" {
  const sections: { to: string; page: string; title: string; text: string; language: "zh" | "en" }[];
  export default sections;
}

declare module "virtual:api" {
  const api: import("./api/description.ts").Api;
  export default api;
}

declare module "virtual:changelog" {
  const html: string;
  export default html;
}

declare module "virtual:errors" {
  import type { Both } from "@shared/language.ts";

  const codes: { code: string; status: number; retryable: boolean; title: Both; cause: string; fix: string }[];
  export default codes;
}

declare module "virtual:vectors" {
  interface Asked {
    method: string;
    target: string;
    authorization: string;
    body: string;
    publicKey: string;
  }
  export const example: Asked;
  export const vectors: { suite: string; asked: Asked }[];
}
