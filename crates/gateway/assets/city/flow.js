// The picture of money on its way: central bank → banks → people → shops. A coin runs for each
// payment; people who prefer no motion see none (the style sheet hides coins).

const NS = "http://www.w3.org/2000/svg";
const KEYS = ["centralBank", "banks", "people", "shops"];
/** From which node to which a coin runs. */
const WAYS = { payment: [2, 3], refund: [3, 2], top_up: [1, 2], withdrawal: [2, 1], transfer: [1.9, 2.1] };
/** Two drawings: one for a desk, and one with larger words for a phone. */
const WIDE = { width: 1060, first: 110, step: 280, name: 15, sum: 13, cents: true };
const NARROW = { width: 580, first: 76, step: 142, name: 20, sum: 18, cents: false };
const PHONE = matchMedia("(max-width: 860px)");
const COIN_MS = 1400;

function svg(name, attributes, content) {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (content !== undefined) made.textContent = content;
  return made;
}

const drawing = () => (PHONE.matches ? NARROW : WIDE);
const xOf = (node) => drawing().first + node * drawing().step;

/** Draws or refreshes the picture in `place`. */
export function flow(place, t, yuan, { supply }) {
  const vaults = supply.vaults.reduce((sum, vault) => sum + BigInt(vault.amount), 0n);
  const sums = { centralBank: supply.issued, banks: vaults, people: supply.people, shops: supply.shops };
  const { width, name, sum, cents } = drawing();
  let picture = place.querySelector("svg");
  if (picture?.dataset.width !== String(width)) {
    picture?.remove();
    picture = svg("svg", { viewBox: `0 0 ${width} 152`, role: "img", "data-width": width });
    picture.append(svg("path", { class: "wire", d: `M${xOf(0)},56H${xOf(3)}` }), svg("g", { class: "coins" }));
    KEYS.forEach((key, node) => {
      const x = xOf(node);
      picture.append(
        svg("circle", { class: "node", cx: x, cy: 56, r: 36 }),
        icon(key, x, 56),
        svg("text", { x, y: 120, "font-size": name, "data-key": key }),
        svg("text", { class: "sum", x, y: 145, "font-size": sum, "data-sum": key }),
      );
    });
    place.append(picture);
  }
  picture.setAttribute("aria-label", t("flow"));
  for (const text of picture.querySelectorAll("[data-key]")) text.textContent = t(text.dataset.key);
  for (const text of picture.querySelectorAll("[data-sum]")) {
    const money = yuan(sums[text.dataset.sum] ?? 0);
    text.textContent = cents ? money : money.slice(0, -3);
  }
}

function icon(key, x, y) {
  const paths = {
    centralBank: "M-16,-6L0,-18L16,-6ZM-13,-2V12M-4,-2V12M4,-2V12M13,-2V12M-17,16H17",
    banks: "M-15,-13H15V15H-15ZM-15,-3H15M-6,15V6H6V15",
    people: "M0,-15a7,7 0 1,0 0.01,0ZM-14,16c0,-14 28,-14 28,0Z",
    shops: "M-16,-14H16L18,-3H-18ZM-14,-3V15H14V-3M-4,15V5H5V15",
  };
  return svg("path", { d: paths[key], transform: `translate(${x} ${y})`, fill: "none", stroke: "currentColor", "stroke-width": 2.2, "stroke-linejoin": "round", "stroke-linecap": "round" });
}

/** Lets a coin run for a payment of `kind`. */
export function pulse(kind) {
  const coins = document.querySelector("#flow .coins");
  const way = WAYS[kind];
  if (!coins || !way || document.hidden) return;
  const coin = svg("circle", { class: "coin", cx: xOf(way[0]), cy: 56, r: 7 });
  coins.append(coin);
  const run = coin.animate?.([{ transform: "translateX(0)" }, { transform: `translateX(${xOf(way[1]) - xOf(way[0])}px)` }], { duration: COIN_MS, easing: "ease-in-out", delay: Math.random() * 400 });
  if (run) run.finished.finally(() => coin.remove());
  else coin.remove();
}
