// The parts of the build that tests look at.

export interface DocumentPage {
  path: string;
  group: string;
  about: string;
  en: string;
  zh: string | null;
  stale: boolean;
  mixed: boolean;
}
export function digestOf(text: string): string;
export function readDocuments(folder?: string): DocumentPage[];
export function searchIndex(pages: readonly DocumentPage[], known: ReadonlySet<string>): { to: string; page: string; title: string; text: string; language: string }[];
export function errorCodes(source?: string): { code: string; status: number; retryable: boolean; title: { zh: string; en: string }; cause: string; fix: string }[];
