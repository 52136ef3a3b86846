// The parts of the build that tests look at.

export function anchorOf(heading: string): string;
export function siteLink(href: string, from: string, pages: ReadonlySet<string>): string | null;
export function render(markdown: string, path: string, pages: ReadonlySet<string>): { title: string; html: string; headings: { id: string; text: string; depth: number }[] };
