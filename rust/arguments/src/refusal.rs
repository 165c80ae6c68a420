//! Why are these arguments denied?
//!
//! A [`Refusal`] is a reason code, the path of the argument and what would be right. Several things can be wrong at
//! once; [`Refusals`] keeps the one that wins: unknown names first, then missing ones, then wrong types, then the
//! others in the order of the tool's schema. The value of an argument is in none of it, but for its canonical spelling
//! where a spelling is all that is wrong.
//!
//! Read next: `number.rs`.

use std::fmt::Write;

use agentpdp_core::decision::Reason;

/// Characters of a canonical spelling that are told.
const SPELLING_LENGTH_MAX: usize = 400;

/// One reason to deny.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// The reason code.
    pub reason: Reason,
    /// The path of the argument, such as `items[].price`; empty for the arguments as a whole.
    pub argument: String,
    /// What would be right.
    pub expected: String,
}

/// Why a text is not one of its kind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Rejection {
    /// It is none; this would be one.
    Format(&'static str),
    /// Common parsers read it differently; this would be right.
    Ambiguous(&'static str),
    /// It is one, in another spelling than this one.
    NotCanonical(String),
    /// It cannot be held exactly.
    NotExact(&'static str),
    /// It is longer than this many bytes, or has more members.
    TooLarge(usize),
    /// Its parts add up to more than 64 bits hold.
    Overflow,
}

impl Rejection {
    /// The reason code.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Format(_) => Reason::ArgumentFormat,
            Self::Ambiguous(_) => Reason::ArgumentAmbiguous,
            Self::NotCanonical(_) => Reason::ArgumentNotCanonical,
            Self::NotExact(_) => Reason::ArgumentNotExact,
            Self::TooLarge(_) => Reason::ArgumentTooLarge,
            Self::Overflow => Reason::ArgumentOverflow,
        }
    }

    /// What would be right.
    #[must_use]
    pub fn expected(&self) -> String {
        match self {
            Self::Format(expected) | Self::Ambiguous(expected) | Self::NotExact(expected) => (*expected).to_owned(),
            Self::NotCanonical(canonical) => {
                let text: String = canonical.chars().take(SPELLING_LENGTH_MAX).collect();
                let rest = if text.len() < canonical.len() { "…" } else { "" };
                format!("the spelling `{text}{rest}`")
            }
            Self::TooLarge(most) => format!("at most {most} bytes or members"),
            Self::Overflow => "amounts whose sum fits 64 bits".to_owned(),
        }
    }
}

/// A step from the arguments to a value in them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step<'p> {
    /// The member of an object.
    Name(&'p str),
    /// The member of a list.
    Member(usize),
}

/// The path to a value, innermost last; it lives on the stack of the reader.
#[derive(Clone, Copy, Debug)]
pub struct Path<'p> {
    above: Option<&'p Path<'p>>,
    step: Option<Step<'p>>,
}

impl<'p> Path<'p> {
    /// The arguments as a whole.
    pub const ROOT: Self = Self { above: None, step: None };

    /// One step further.
    #[must_use]
    pub fn then(&'p self, step: Step<'p>) -> Self {
        Self { above: Some(self), step: Some(step) }
    }

    /// The steps, outermost first.
    #[must_use]
    pub fn steps(&self) -> Vec<Step<'p>> {
        let mut steps: Vec<Step<'p>> =
            std::iter::successors(Some(self), |path| path.above).filter_map(|path| path.step).collect();
        steps.reverse();
        steps
    }

    /// As text: names joined by points, `[]` for members of a list.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for step in self.steps() {
            match step {
                Step::Member(_) => text.push_str("[]"),
                Step::Name(name) => {
                    let point = if text.is_empty() { "" } else { "." };
                    let _ = write!(text, "{point}{}", name.escape_debug());
                }
            }
        }
        text
    }
}

/// The refusal that wins so far.
#[derive(Debug, Default)]
pub struct Refusals(Option<(u8, Refusal)>);

impl Refusals {
    /// Whether there is none.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Adds one.
    #[cold]
    pub fn add(&mut self, reason: Reason, path: &Path<'_>, expected: impl Into<String>) {
        let rank = rank(reason);
        if self.0.as_ref().is_none_or(|(known, _)| rank < *known) {
            self.0 = Some((rank, Refusal { reason, argument: path.text(), expected: expected.into() }));
        }
    }

    /// The one that wins.
    #[must_use]
    pub fn into_first(self) -> Option<Refusal> {
        self.0.map(|(_, refusal)| refusal)
    }
}

/// The order in which reasons win; equal ones by where they come up.
fn rank(reason: Reason) -> u8 {
    match reason {
        Reason::ArgumentUnknown => 0,
        Reason::ArgumentMissing => 1,
        Reason::ArgumentType => 2,
        _ => 3,
    }
}
