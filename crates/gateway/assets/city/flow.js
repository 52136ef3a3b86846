// The picture of money on its way: central bank → banks → people → shops. A coin runs for each
// payment; people who prefer no motion see none (the style sheet hides coins).

const NS = "http://www.w3.org/2000/svg";
const NODES = [
  { key: "centralBank", x: 110 },
  { key: "banks", x: 390 },
  { key: "people", x: 670 },
  { key: "shops", x: 950 },
];
const WAYS = { payment: [670, 950], refund: [950, 670], top_up: [390, 670], withdrawal: [670, 390], transfer: [640, 700] };
const COIN_MS = 1400;

function svg(name, attributes, content) {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (content !== undefined) made.textContent = content;
  return made;
}

/** Draws or refreshes the picture in `place`. */
export function flow(place, t, yuan, { supply }) {
  const vaults = supply.vaults.reduce((sum, vault) => sum + BigInt(vault.amount), 0n);
  const sums = { centralBank: supply.issued, banks: vaults, people: supply.people, shops: supply.shops };
  let picture = place.querySelector("svg");
  if (!picture) {
    picture = svg("svg", { viewBox: "0 0 1060 150", role: "img" });
    picture.append(svg("path", { class: "wire", d: "M110,60H950" }), svg("g", { class: "coins" }));
    for (const { key, x } of NODES) {
      picture.append(
        svg("circle", { class: "node", cx: x, cy: 60, r: 36 }),
        icon(key, x, 60),
        svg("text", { class: "name", x, y: 122, "data-key": key }),
        svg("text", { class: "sum", x, y: 143, "data-sum": key }),
      );
    }
    place.append(picture);
  }
  picture.setAttribute("aria-label", t("flow"));
  for (const name of picture.querySelectorAll("[data-key]")) name.textContent = t(name.dataset.key);
  for (const sum of picture.querySelectorAll("[data-sum]")) sum.textContent = yuan(sums[sum.dataset.sum] ?? 0);
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
  const coin = svg("circle", { class: "coin", cx: way[0], cy: 60, r: 7 });
  coins.append(coin);
  const run = coin.animate?.([{ transform: "translateX(0)" }, { transform: `translateX(${way[1] - way[0]}px)` }], { duration: COIN_MS, easing: "ease-in-out", delay: Math.random() * 400 });
  if (run) run.finished.finally(() => coin.remove());
  else coin.remove();
}
