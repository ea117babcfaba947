//! What a seed decides: species, colours, proportions, clothes and name.

use super::paint::{Rgb, mix};

/// A seeded stream of numbers: `SplitMix64` (Steele, Lea and Flood, 2014).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A place below `count`.
    fn below(&mut self, count: usize) -> usize {
        let rolled = u128::from(self.roll()) * count as u128;
        usize::try_from(rolled >> 64).unwrap_or(0)
    }

    fn pick<T: Copy, const N: usize>(&mut self, choices: [T; N]) -> T {
        choices[self.below(N)]
    }

    /// One of eleven even steps from `low` to `high`.
    fn between(&mut self, low: f32, high: f32) -> f32 {
        let step = u8::try_from(self.below(11)).map_or(0.0, f32::from);
        low + (high - low) * step / 10.0
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Species {
    Fox,
    Cat,
    Rabbit,
    Bear,
    Mouse,
    Duckling,
    Frog,
    Dragon,
}

impl Species {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Fox => "fox",
            Self::Cat => "cat",
            Self::Rabbit => "rabbit",
            Self::Bear => "bear",
            Self::Mouse => "mouse",
            Self::Duckling => "duckling",
            Self::Frog => "frog",
            Self::Dragon => "dragon",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hat {
    Beanie,
    Crown,
    Cone,
    Sprout,
    Flower,
    Bare,
}

impl Hat {
    const fn word(self) -> Option<&'static str> {
        match self {
            Self::Beanie => Some("a bobble hat"),
            Self::Crown => Some("a small crown"),
            Self::Cone => Some("a party hat"),
            Self::Sprout => Some("a sprout growing on the head"),
            Self::Flower => Some("a flower on the head"),
            Self::Bare => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Neckwear {
    Scarf,
    BowTie,
    Bandana,
    Bare,
}

impl Neckwear {
    const fn word(self) -> Option<&'static str> {
        match self {
            Self::Scarf => Some("a scarf"),
            Self::BowTie => Some("a bow tie"),
            Self::Bandana => Some("a bandana"),
            Self::Bare => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outfit {
    Jumper,
    Dungarees,
    Raincoat,
    Bare,
}

impl Outfit {
    const fn word(self) -> Option<&'static str> {
        match self {
            Self::Jumper => Some("a striped jumper"),
            Self::Dungarees => Some("dungarees"),
            Self::Raincoat => Some("a raincoat"),
            Self::Bare => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Eyes {
    Round,
    Tall,
    Sleepy,
    Closed,
}

/// The colours a character is painted with; shades and lights are derived from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Palette {
    pub(super) coat: Rgb,
    /// Muzzle, belly, tail tip.
    pub(super) light: Rgb,
    /// Inside of the ears and the cheeks.
    pub(super) inner: Rgb,
    /// Nose or beak.
    pub(super) nose: Rgb,
    pub(super) outfit: Rgb,
    pub(super) neckwear: Rgb,
    pub(super) hat: Rgb,
    /// Boots or paws.
    pub(super) feet: Rgb,
    /// Lines, eyes and mouth.
    pub(super) ink: Rgb,
}

impl Palette {
    /// Every colour with its name, in a fixed order.
    pub(super) fn swatches(&self) -> [(&'static str, Rgb); 9] {
        [
            ("coat", self.coat),
            ("light", self.light),
            ("inner", self.inner),
            ("nose", self.nose),
            ("outfit", self.outfit),
            ("neckwear", self.neckwear),
            ("hat", self.hat),
            ("feet", self.feet),
            ("ink", self.ink),
        ]
    }
}

/// Everything that makes one character differ from another.
#[derive(Clone, Debug)]
pub(super) struct Design {
    pub(super) name: &'static str,
    pub(super) species: Species,
    /// The colours' words: coat, outfit, neckwear, hat.
    colour_words: [&'static str; 4],
    pub(super) palette: Palette,
    pub(super) hat: Hat,
    pub(super) neckwear: Neckwear,
    pub(super) outfit: Outfit,
    pub(super) boots: bool,
    pub(super) eyes: Eyes,
    /// Factors of the usual size.
    pub(super) head_width: f32,
    pub(super) head_height: f32,
    pub(super) body_width: f32,
    pub(super) ear_size: f32,
    /// Hip to ankle, in units.
    pub(super) leg: f32,
}

const NAMES: [&str; 32] = [
    "Pip", "Juno", "Miso", "Tansy", "Bram", "Olive", "Fig", "Nell", "Otto", "Wren", "Basil",
    "Clover", "Hugo", "Maple", "Poppy", "Rufus", "Sorrel", "Tobi", "Umi", "Vesper", "Willow",
    "Yuki", "Zuri", "Kiko", "Lumi", "Ada", "Biscuit", "Dot", "Ember", "Hazel", "Ivo", "Momo",
];

/// In the order of the seeds, from 0.
const SPECIES: [Species; 8] = [
    Species::Rabbit,
    Species::Fox,
    Species::Frog,
    Species::Cat,
    Species::Dragon,
    Species::Bear,
    Species::Duckling,
    Species::Mouse,
];

type Dye = (&'static str, Rgb);

/// A coat and the light colour that goes with it.
const COATS: [(Dye, Rgb); 12] = [
    (("ginger", [234, 130, 58]), [255, 238, 214]),
    (("slate blue", [104, 134, 184]), [226, 236, 246]),
    (("cream", [242, 214, 168]), [255, 248, 232]),
    (("moss green", [128, 172, 84]), [236, 242, 192]),
    (("rose", [236, 140, 152]), [255, 230, 226]),
    (("charcoal", [98, 94, 112]), [218, 212, 218]),
    (("lilac", [172, 146, 214]), [240, 230, 252]),
    (("cocoa", [156, 106, 74]), [242, 220, 190]),
    (("mint", [118, 200, 170]), [234, 250, 236]),
    (("snow white", [224, 230, 240]), [255, 255, 255]),
    (("golden", [246, 196, 70]), [255, 244, 204]),
    (("teal", [66, 152, 164]), [214, 240, 232]),
];

const DYES: [Dye; 10] = [
    ("red", [216, 70, 72]),
    ("blue", [64, 112, 186]),
    ("mustard", [244, 184, 62]),
    ("green", [76, 146, 100]),
    ("plum", [132, 84, 162]),
    ("coral", [240, 124, 96]),
    ("navy", [58, 70, 108]),
    ("ivory", [242, 236, 220]),
    ("turquoise", [68, 170, 178]),
    ("pink", [240, 150, 184]),
];

impl Design {
    pub(super) fn from_seed(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let name = dice.pick(NAMES);
        let species = in_turn(&SPECIES, seed);
        let ((coat_word, coat), light) =
            in_turn(&COATS, seed.wrapping_mul(5).wrapping_add(seed / 12));
        let outfit = dice.pick([
            Outfit::Jumper,
            Outfit::Dungarees,
            Outfit::Raincoat,
            Outfit::Bare,
        ]);
        let (outfit_word, outfit_dye) = dye_unlike(&mut dice, &[coat]);
        let neckwear = match (outfit, dice.below(4)) {
            (_, 0) => Neckwear::Scarf,
            (_, 1) => Neckwear::BowTie,
            (_, 2) | (Outfit::Bare, _) => Neckwear::Bandana,
            _ => Neckwear::Bare,
        };
        let (neckwear_word, neckwear_dye) = dye_unlike(&mut dice, &[coat, outfit_dye]);
        let hat = match (neckwear, dice.below(6)) {
            (_, 0) => Hat::Beanie,
            (_, 1) => Hat::Crown,
            (_, 2) => Hat::Cone,
            (_, 3) => Hat::Sprout,
            (_, 4) | (Neckwear::Bare, _) => Hat::Flower,
            _ => Hat::Bare,
        };
        let (hat_word, hat_dye) = match hat {
            Hat::Crown => ("golden", [250, 206, 84]),
            Hat::Sprout => ("green", [118, 190, 82]),
            _ => dye_unlike(&mut dice, &[coat, outfit_dye, light]),
        };
        let boots = dice.below(3) > 0;
        let (_, boot_dye) = dye_unlike(&mut dice, &[coat, outfit_dye]);
        let ink = mix(mix(coat, [44, 26, 58], 0.82), [30, 20, 40], 0.35);
        let palette = Palette {
            coat,
            light,
            inner: mix(coat, [250, 116, 128], 0.55),
            nose: match species {
                Species::Duckling => [250, 150, 46],
                Species::Frog => coat,
                Species::Cat | Species::Rabbit | Species::Mouse => [232, 106, 122],
                Species::Fox | Species::Bear | Species::Dragon => ink,
            },
            outfit: if outfit == Outfit::Bare {
                light
            } else {
                outfit_dye
            },
            neckwear: if neckwear == Neckwear::Bare {
                coat
            } else {
                neckwear_dye
            },
            hat: if hat == Hat::Bare { coat } else { hat_dye },
            feet: match (boots, species) {
                (true, _) => boot_dye,
                (false, Species::Duckling) => [250, 150, 46],
                (false, _) => light,
            },
            ink,
        };
        Self {
            name,
            species,
            colour_words: [coat_word, outfit_word, neckwear_word, hat_word],
            palette,
            hat,
            neckwear,
            outfit,
            boots,
            eyes: dice.pick([Eyes::Round, Eyes::Tall, Eyes::Tall, Eyes::Sleepy]),
            head_width: dice.between(0.92, 1.1),
            head_height: dice.between(0.92, 1.06),
            body_width: dice.between(0.86, 1.2),
            ear_size: dice.between(0.84, 1.16),
            leg: dice.between(21.0, 28.0),
        }
    }

    /// What the character looks like, in words: "a ginger fox wearing ...".
    pub(super) fn looks(&self) -> String {
        let [coat, outfit, neckwear, hat] = self.colour_words;
        let dyed = |dye: &str, word: &str| {
            let (article, thing) = word
                .split_once(' ')
                .filter(|(a, _)| *a == "a")
                .unwrap_or(("", word));
            let article = match (article, dye.starts_with(['i', 'o'])) {
                ("", _) => "",
                (_, true) => "an ",
                (_, false) => "a ",
            };
            format!(
                "{article}{dye} {}",
                thing.strip_prefix("small ").unwrap_or(thing)
            )
        };
        let mut worn = Vec::new();
        worn.extend(self.outfit.word().map(|word| dyed(outfit, word)));
        worn.extend(self.neckwear.word().map(|word| dyed(neckwear, word)));
        worn.extend(self.hat.word().map(|word| dyed(hat, word)));
        if self.boots {
            worn.push("boots".to_owned());
        }
        let list = match worn.split_last() {
            None => return format!("a {coat} {}", self.species.word()),
            Some((only, [])) => only.clone(),
            Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        };
        format!("a {coat} {} with {list}", self.species.word())
    }
}

/// Choices dealt in turn rather than rolled, so that neighbouring seeds never give the same one.
fn in_turn<T: Copy, const N: usize>(choices: &[T; N], turn: u64) -> T {
    let index = usize::try_from(turn % N as u64).unwrap_or(0);
    choices[index]
}

/// A dye that stands out against `others`; the one that does so most if none does so enough.
fn dye_unlike(dice: &mut Dice, others: &[Rgb]) -> Dye {
    let first = dice.below(DYES.len());
    let contrast = |dye: Rgb| {
        others
            .iter()
            .map(|other| distance(dye, *other))
            .min()
            .unwrap_or(u32::MAX)
    };
    let turned = (0..DYES.len()).map(|i| DYES[(first + i) % DYES.len()]);
    turned
        .clone()
        .find(|(_, dye)| contrast(*dye) >= 150)
        .or_else(|| turned.max_by_key(|(_, dye)| contrast(*dye)))
        .unwrap_or(DYES[first])
}

/// The sum of the channels' differences, 0 to 765.
fn distance(a: Rgb, b: Rgb) -> u32 {
    a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(b))).sum()
}
