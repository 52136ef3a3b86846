//! Shops: what they are, what they are called, what they sell and for how much.

use super::dice::Dice;
use super::names::PLACES;

/// What a shop is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ShopKind {
    /// 火锅
    Hotpot,
    /// 小面
    Noodles,
    /// 茶馆
    Teahouse,
    /// 奶茶
    MilkTea,
    /// 药房
    Pharmacy,
    /// 便利店
    Convenience,
    /// 水果
    Fruit,
    /// 地铁
    Metro,
    /// 菜市场
    Market,
    /// 烘焙
    Bakery,
    /// 影院
    Cinema,
    /// 书店
    Bookshop,
    /// 理发
    Barber,
    /// 索道
    Cableway,
}

/// A thing that is sold: names, and the least and the most it costs, in fen.
type Item = (&'static str, &'static str, u64, u64);

/// What is known about a kind.
struct Trade {
    kind: ShopKind,
    /// Name in Chinese after the place.
    zh: &'static [&'static str],
    /// Name in English after the place, in the same order.
    en: &'static [&'static str],
    /// Merchant category, ISO 18245.
    category: &'static str,
    /// How many of forty shops.
    share: u64,
    /// The most things bought at once.
    most_items: u64,
    /// How busy, hour by hour from midnight.
    hours: [u16; 24],
    items: &'static [Item],
}

const TRADES: [Trade; 14] = [
    Trade {
        kind: ShopKind::Hotpot,
        zh: &["老火锅", "九宫格火锅", "江湖火锅"],
        en: &["Old Hotpot", "Nine Grid Hotpot", "Jianghu Hotpot"],
        category: "5812",
        share: 6,
        most_items: 5,
        hours: [6, 3, 1, 0, 0, 0, 0, 0, 0, 0, 2, 10, 18, 10, 4, 3, 6, 16, 30, 32, 28, 20, 14, 10],
        items: &[
            ("红汤锅底", "red broth", 3_800, 6_800),
            ("毛肚", "tripe", 3_600, 5_200),
            ("鸭肠", "duck intestine", 2_600, 3_800),
            ("老肉片", "pork slices", 2_200, 3_200),
            ("藕片", "lotus root", 900, 1_400),
            ("红糖糍粑", "rice cakes", 1_200, 1_800),
            ("山城啤酒", "beer", 600, 1_000),
        ],
    },
    Trade {
        kind: ShopKind::Noodles,
        zh: &["小面", "豌杂面", "牛肉面"],
        en: &["Noodles", "Pea Noodles", "Beef Noodles"],
        category: "5814",
        share: 7,
        most_items: 3,
        hours: [2, 1, 0, 0, 0, 4, 18, 34, 36, 22, 10, 16, 28, 18, 6, 4, 5, 12, 18, 12, 8, 6, 5, 3],
        items: &[
            ("二两小面", "noodles, two liang", 700, 1_000),
            ("豌杂面", "pea and meat noodles", 1_000, 1_400),
            ("牛肉面", "beef noodles", 1_400, 2_000),
            ("煎蛋", "fried egg", 200, 300),
            ("豆浆", "soy milk", 200, 400),
            ("冰粉", "ice jelly", 500, 800),
        ],
    },
    Trade {
        kind: ShopKind::Teahouse,
        zh: &["交通茶馆", "坝坝茶", "老茶馆"],
        en: &["Transport Teahouse", "Courtyard Tea", "Old Teahouse"],
        category: "5812",
        share: 4,
        most_items: 3,
        hours: [0, 0, 0, 0, 0, 0, 2, 6, 10, 14, 16, 12, 10, 18, 24, 24, 20, 12, 8, 10, 10, 8, 4, 1],
        items: &[
            ("沱茶", "tuo tea", 800, 1_500),
            ("盖碗茉莉", "jasmine tea", 1_200, 2_000),
            ("瓜子", "melon seeds", 500, 900),
            ("盐茶蛋", "tea egg", 200, 300),
        ],
    },
    Trade {
        kind: ShopKind::MilkTea,
        zh: &["鲜奶茶", "手打柠檬茶"],
        en: &["Milk Tea", "Lemon Tea"],
        category: "5814",
        share: 3,
        most_items: 3,
        hours: [1, 0, 0, 0, 0, 0, 0, 1, 4, 8, 12, 16, 22, 24, 26, 26, 22, 20, 20, 22, 20, 14, 8, 3],
        items: &[
            ("珍珠奶茶", "pearl milk tea", 1_200, 1_800),
            ("手打柠檬茶", "lemon tea", 1_300, 1_900),
            ("烤奶", "roasted milk tea", 1_400, 2_000),
        ],
    },
    Trade {
        kind: ShopKind::Pharmacy,
        zh: &["大药房", "平价药房"],
        en: &["Pharmacy", "Fair Price Pharmacy"],
        category: "5912",
        share: 3,
        most_items: 3,
        hours: [1, 1, 0, 0, 0, 0, 1, 4, 10, 14, 14, 12, 8, 10, 12, 12, 12, 12, 12, 12, 10, 6, 3, 1],
        items: &[
            ("藿香正气水", "herbal drops", 1_200, 1_800),
            ("创可贴", "plasters", 500, 900),
            ("维生素C", "vitamin C", 1_500, 3_900),
            ("感冒灵", "cold remedy", 1_600, 2_600),
            ("血压计", "blood pressure meter", 12_900, 26_900),
        ],
    },
    Trade {
        kind: ShopKind::Convenience,
        zh: &["便利店", "小卖部"],
        en: &["Corner Shop", "Kiosk"],
        category: "5499",
        share: 4,
        most_items: 4,
        hours: [5, 3, 2, 1, 1, 3, 8, 16, 16, 10, 10, 12, 14, 12, 10, 10, 12, 16, 18, 18, 16, 14, 12, 8],
        items: &[
            ("矿泉水", "water", 200, 300),
            ("方便面", "instant noodles", 450, 700),
            ("酸奶", "yoghurt", 500, 900),
            ("电池", "batteries", 1_200, 1_900),
            ("雨伞", "umbrella", 1_900, 3_900),
            ("饭团", "rice ball", 550, 850),
        ],
    },
    Trade {
        kind: ShopKind::Fruit,
        zh: &["鲜果", "水果行"],
        en: &["Fresh Fruit", "Fruit Stall"],
        category: "5499",
        share: 3,
        most_items: 3,
        hours: [0, 0, 0, 0, 0, 0, 3, 8, 12, 12, 12, 10, 8, 8, 10, 12, 16, 22, 22, 18, 14, 8, 3, 1],
        items: &[
            ("奉节脐橙", "Fengjie oranges", 900, 2_800),
            ("巫山脆李", "Wushan plums", 1_500, 3_600),
            ("荔枝", "lychees", 1_800, 4_200),
            ("西瓜", "watermelon", 1_200, 3_000),
        ],
    },
    Trade {
        kind: ShopKind::Metro,
        zh: &["轨道站"],
        en: &["Metro Station"],
        category: "4111",
        share: 2,
        most_items: 1,
        hours: [0, 0, 0, 0, 0, 0, 14, 40, 44, 22, 14, 14, 16, 16, 14, 16, 22, 40, 42, 24, 16, 14, 8, 2],
        items: &[("单程票", "single ticket", 200, 700), ("日票", "day ticket", 1_800, 1_800)],
    },
    Trade {
        kind: ShopKind::Market,
        zh: &["菜市场", "农贸摊"],
        en: &["Market", "Farm Stall"],
        category: "5411",
        share: 2,
        most_items: 5,
        hours: [0, 0, 0, 0, 1, 6, 22, 32, 28, 20, 14, 8, 4, 3, 4, 8, 16, 20, 12, 4, 1, 0, 0, 0],
        items: &[
            ("藤藤菜", "water spinach", 300, 700),
            ("二荆条", "green chillies", 300, 900),
            ("猪肉", "pork", 1_600, 3_800),
            ("豆腐", "bean curd", 300, 500),
            ("活鲫鱼", "crucian carp", 1_500, 3_200),
            ("花椒", "Sichuan pepper", 600, 1_800),
        ],
    },
    Trade {
        kind: ShopKind::Bakery,
        zh: &["烘焙坊", "麻花铺"],
        en: &["Bakery", "Twist Shop"],
        category: "5462",
        share: 2,
        most_items: 3,
        hours: [0, 0, 0, 0, 0, 0, 6, 18, 20, 14, 12, 10, 10, 10, 12, 14, 16, 18, 16, 12, 8, 4, 1, 0],
        items: &[
            ("陈麻花", "fried twists", 1_200, 2_500),
            ("蛋挞", "egg tarts", 600, 1_600),
            ("吐司", "toast loaf", 1_200, 1_800),
        ],
    },
    Trade {
        kind: ShopKind::Cinema,
        zh: &["影城"],
        en: &["Cinema"],
        category: "7832",
        share: 1,
        most_items: 2,
        hours: [2, 1, 0, 0, 0, 0, 0, 0, 0, 2, 6, 6, 6, 10, 12, 12, 10, 12, 20, 26, 24, 16, 8, 4],
        items: &[("电影票", "film ticket", 3_500, 6_900), ("爆米花", "popcorn", 1_800, 3_500)],
    },
    Trade {
        kind: ShopKind::Bookshop,
        zh: &["书局"],
        en: &["Books"],
        category: "5942",
        share: 1,
        most_items: 2,
        hours: [0, 0, 0, 0, 0, 0, 0, 0, 1, 6, 10, 10, 8, 10, 14, 16, 14, 12, 10, 12, 10, 4, 1, 0],
        items: &[
            ("小说", "novel", 2_900, 5_900),
            ("地图册", "atlas", 1_900, 4_900),
            ("明信片", "postcards", 500, 2_000),
        ],
    },
    Trade {
        kind: ShopKind::Barber,
        zh: &["理发店"],
        en: &["Barber"],
        category: "7230",
        share: 1,
        most_items: 1,
        hours: [0, 0, 0, 0, 0, 0, 0, 0, 2, 8, 12, 12, 10, 10, 12, 14, 14, 14, 16, 16, 12, 6, 1, 0],
        items: &[("剪发", "haircut", 2_500, 6_800), ("烫发", "perm", 18_800, 38_800)],
    },
    Trade {
        kind: ShopKind::Cableway,
        zh: &["过江索道"],
        en: &["River Cableway"],
        category: "7991",
        share: 1,
        most_items: 2,
        hours: [0, 0, 0, 0, 0, 0, 0, 4, 8, 14, 18, 18, 16, 18, 20, 20, 20, 22, 24, 24, 18, 8, 0, 0],
        items: &[("单程票", "one way", 2_000, 2_000), ("往返票", "return", 3_000, 3_000)],
    },
];

/// A shop. All of it is invented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shop {
    /// Place in the city's list, from 0.
    pub index: usize,
    /// What it is.
    pub kind: ShopKind,
    /// The name in Chinese, unique in the city.
    pub name: String,
    /// The name in English, unique in the city, printable ASCII of at most 25 characters where the
    /// place allows.
    pub name_en: String,
    /// Merchant category, ISO 18245: four digits.
    pub category: &'static str,
    /// Place in the city's districts.
    pub district: usize,
}

/// What somebody buys at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basket {
    /// Such as `毛肚 ×2、红汤锅底`.
    pub description: String,
    /// The same in English.
    pub description_en: String,
    /// In fen.
    pub total: u64,
}

impl Shop {
    pub(super) fn invent(seed: u64, count: usize) -> Vec<Self> {
        let mut dice = Dice::for_part(seed, "shops");
        let mut shops: Vec<Self> = Vec::with_capacity(count);
        let total: u64 = TRADES.iter().map(|trade| trade.share).sum();
        for index in 0..count {
            // The first forty follow the shares exactly; the pattern repeats beyond.
            let at = (index as u64 * 17) % total;
            let trade = trade_at(at);
            let (place_zh, place_en, district) = dice.pick(&PLACES);
            let name = dice.below(trade.zh.len() as u64) as usize;
            let zh = format!("{place_zh}{}", trade.zh[name]);
            let en = format!("{place_en} {}", trade.en[name]);
            let again = shops.iter().filter(|shop| shop.name.starts_with(&zh)).count();
            let (zh, en) = match again {
                0 => (zh, en),
                _ => (format!("{zh}{}店", again + 1), format!("{en} {}", again + 1)),
            };
            shops.push(Self {
                index,
                kind: trade.kind,
                name: zh,
                name_en: en,
                category: trade.category,
                district: *district,
            });
        }
        shops
    }

    /// Something to buy here.
    pub fn basket(&self, dice: &mut Dice) -> Basket {
        let trade = self.kind.trade();
        let mut left: Vec<&Item> = trade.items.iter().collect();
        let lines = dice.between(1, trade.most_items.min(left.len() as u64));
        let (mut zh, mut en, mut total) = (Vec::new(), Vec::new(), 0);
        for _ in 0..lines {
            let (name, name_en, least, most) = left.remove(dice.below(left.len() as u64) as usize);
            let pieces = if trade.most_items > 1 && dice.percent(25) { 2 } else { 1 };
            // Prices end in whole jiao, as they do on the wall.
            let price = dice.between(least / 10, most / 10) * 10;
            total += price * pieces;
            let times = if pieces > 1 { " ×2" } else { "" };
            zh.push(format!("{name}{times}"));
            en.push(format!("{name_en}{times}"));
        }
        Basket { description: zh.join("、"), description_en: en.join(", "), total }
    }
}

impl ShopKind {
    /// Every kind.
    pub fn all() -> impl Iterator<Item = ShopKind> {
        TRADES.iter().map(|trade| trade.kind)
    }

    /// How busy a shop of this kind is in an hour of the day (0 to 23); 0 is closed.
    pub fn busyness(self, hour: u8) -> u64 {
        u64::from(self.trade().hours[usize::from(hour % 24)])
    }

    /// The least and the most one piece costs, in fen.
    pub fn price_range(self) -> (u64, u64) {
        let items = self.trade().items;
        let least = items.iter().map(|item| item.2).min().unwrap_or(0);
        let most = items.iter().map(|item| item.3).max().unwrap_or(0);
        (least, most)
    }

    fn trade(self) -> &'static Trade {
        // The table is written in the order of the enum; a test holds it there.
        &TRADES[self as usize]
    }
}

fn trade_at(mut at: u64) -> &'static Trade {
    for trade in &TRADES {
        if at < trade.share {
            return trade;
        }
        at -= trade.share;
    }
    &TRADES[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_kinds() {
        for (place, trade) in TRADES.iter().enumerate() {
            assert_eq!(trade.kind as usize, place);
            assert_eq!(trade.zh.len(), trade.en.len());
        }
        assert_eq!(TRADES.iter().map(|trade| trade.share).sum::<u64>(), 40);
    }
}
