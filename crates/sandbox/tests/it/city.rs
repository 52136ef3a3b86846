use std::collections::BTreeSet;

use jialing_rails::identity::is_id_number;
use jialing_sandbox::canonical_phone;
use jialing_sandbox::city::{City, CitySize, Dice, Errand, ShopKind, is_open};
use jiff::civil::{DateTime, date};
use proptest::prelude::*;

fn all_different<T: Ord>(values: impl Iterator<Item = T>) -> bool {
    let all: Vec<T> = values.collect();
    let count = all.len();
    all.into_iter().collect::<BTreeSet<T>>().len() == count
}

#[test]
fn one_seed_gives_one_city_and_another_seed_another() {
    let size = CitySize::default();
    let city = City::invent(42, size);
    assert_eq!(city, City::invent(42, size));
    assert_ne!(city.people, City::invent(43, size).people);
    let larger = City::invent(42, CitySize { people: 300, ..size });
    assert_eq!(city.people, larger.people[..200]);
    // A change of these two lines changes every demonstration's city: do it on purpose.
    let first = &city.people[0];
    assert_eq!((city.people.len(), city.shops.len(), city.banks.len()), (200, 40, 3));
    assert_eq!(first.phone, "16900010001");
}

#[test]
fn people_are_well_formed_and_nobody_s_doubles() {
    for seed in 0..5 {
        let city = City::invent(seed, CitySize { people: 1_000, ..CitySize::default() });
        for person in &city.people {
            assert!(is_id_number(&person.id_number), "{person:?}");
            assert_eq!(person.phone.len(), 11);
            assert_eq!(canonical_phone(&person.phone), person.phone);
            assert!(!person.phone.ends_with("0000"), "blocked by the notice service");
            assert_eq!(person.account.len(), 19);
            assert!((2..=3).contains(&person.name.chars().count()));
            assert!(person.name_latin.is_ascii());
            assert!(person.password.len() >= 10);
            assert_eq!(person.pin.len(), 6);
            assert!(person.deposit >= 200_000 && person.deposit % 1_000 == 0);
            assert!(person.bank < 3 && person.district < City::districts().len());
        }
        assert!(all_different(city.people.iter().map(|p| &p.phone)));
        assert!(all_different(city.people.iter().map(|p| &p.account)));
        let here = &city.people[..1_000.min(city.people.len())];
        assert!(all_different(here.iter().map(|p| &p.id_number)));
    }
}

#[test]
fn shops_have_names_of_their_own_and_prices_in_their_range() {
    for seed in 0..5 {
        let city = City::invent(seed, CitySize { shops: 120, ..CitySize::default() });
        assert!(all_different(city.shops.iter().map(|s| &s.name)));
        assert!(all_different(city.shops.iter().map(|s| &s.name_en)));
        let mut dice = Dice::new(seed);
        for shop in &city.shops {
            assert!(shop.name_en.bytes().all(|b| (b' '..=b'~').contains(&b)), "{shop:?}");
            assert_eq!(shop.category.len(), 4);
            let (least, most) = shop.kind.price_range();
            for _ in 0..50 {
                let basket = shop.basket(&mut dice);
                assert!(basket.total >= least && basket.total <= most * 10, "{basket:?}");
                assert!(basket.total % 10 == 0);
                assert!(basket.description.chars().count() <= 60, "{}", basket.description);
                assert!(!basket.description_en.is_empty());
            }
        }
    }
}

#[test]
fn forty_shops_are_of_every_kind() {
    let city = City::invent(1, CitySize::default());
    let kinds: BTreeSet<ShopKind> = city.shops.iter().map(|shop| shop.kind).collect();
    assert_eq!(kinds.len(), ShopKind::all().count());
    let noodles = city.shops.iter().filter(|s| s.kind == ShopKind::Noodles).count();
    assert_eq!(noodles, 7);
}

/// A Wednesday.
fn at(hour: i8) -> DateTime {
    date(2026, 11, 18).at(hour, 0, 0, 0)
}

#[test]
fn evenings_are_livelier_than_nights_and_weekends_than_weekdays() {
    let city = City::invent(1, CitySize::default());
    let night = city.liveliness(at(3));
    let morning = city.liveliness(at(8));
    let evening = city.liveliness(at(18));
    assert!(night < 20 && morning > 80 && evening > 120, "{night} {morning} {evening}");
    let saturday = date(2026, 11, 21).at(18, 0, 0, 0);
    assert!(city.liveliness(saturday) > evening);
    let half_past = date(2026, 11, 18).at(17, 30, 0, 0);
    let between = city.liveliness(half_past);
    let (before, after) = (city.liveliness(at(17)), evening);
    assert!(between >= before.min(after) && between <= before.max(after));
}

#[test]
fn so_many_errands_come_in_an_hour_as_the_rhythm_says() {
    let city = City::invent(1, CitySize::default());
    let mut dice = Dice::new(9);
    let count = 20_000u64;
    let total: u64 = (0..count).map(|_| city.gap_ms(&mut dice, 3_600, at(18))).sum();
    let expected = 1_000 * count * 100 / city.liveliness(at(18));
    let ratio = total * 100 / expected;
    assert!((95..=105).contains(&ratio), "{ratio} %");
}

#[test]
fn most_errands_are_payments_at_open_shops_rather_near_home() {
    let city = City::invent(1, CitySize::default());
    let mut dice = Dice::new(5);
    let (mut payments, mut near, mut others) = (0u32, 0u32, [0u32; 4]);
    for n in 0..10_000 {
        let now = at((n % 24) as i8);
        match city.errand(&mut dice, now) {
            Errand::Pay { payer, shop, basket } => {
                payments += 1;
                let (person, shop) = (&city.people[payer], &city.shops[shop]);
                let any_open = city.shops.iter().any(|s| is_open(s.kind, now.hour() as u8));
                assert!(!any_open || is_open(shop.kind, now.hour() as u8), "{shop:?} at {now}");
                assert!(basket.total > 0);
                near += u32::from(person.district == shop.district);
            }
            Errand::Transfer { from, to, amount, .. } => {
                assert_ne!(from, to);
                assert!(to < 200 && amount > 0);
                others[0] += 1;
            }
            Errand::TopUp { amount, .. } => {
                assert!(!(81..=89).contains(&(amount % 100)), "no magic by chance");
                others[1] += 1;
            }
            Errand::Withdraw { amount, .. } => {
                assert!(!(81..=89).contains(&(amount % 100)), "no magic by chance");
                others[2] += 1;
            }
            Errand::Refund { percent, .. } => {
                assert!((1..=100).contains(&percent));
                others[3] += 1;
            }
        }
    }
    assert!((7_900..8_500).contains(&payments), "{payments}");
    assert!(others.iter().all(|count| *count > 50), "{others:?}");
    assert!(near * 100 / payments > 15, "{near} of {payments} near home");
}

proptest! {
    #[test]
    fn any_seed_and_size_give_a_city_that_moves(
        seed in any::<u64>(),
        people in 0usize..40,
        shops in 0usize..60,
        banks in 0usize..9,
        minute in 0i32..1440,
    ) {
        let city = City::invent(seed, CitySize { people, shops, banks });
        let mut dice = Dice::new(seed);
        let now = date(2026, 2, 17).at((minute / 60) as i8, (minute % 60) as i8, 0, 0);
        for _ in 0..20 {
            city.errand(&mut dice, now);
            let gap = city.gap_ms(&mut dice, 3_600, now);
            prop_assert!((1..=3_600_000).contains(&gap));
        }
        prop_assert_eq!(
            city.people.len(),
            (0..city.banks.len()).map(|bank| city.customers(bank).len()).sum::<usize>()
        );
    }
}
