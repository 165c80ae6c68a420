//! Asking the official evaluator, and counting what was asked.

use std::str::FromStr;

use cedar_policy::{
    Context, Entities, EntityUid, EvalResult, Expression, Request, RestrictedExpression, eval_expression,
};

/// One Cedar expression over `context.a` and `context.b`, two strings.
pub(crate) struct Question {
    text: &'static str,
    expression: Expression,
}

impl Question {
    pub(crate) fn new(text: &'static str) -> Self {
        Self { text, expression: Expression::from_str(text).unwrap() }
    }

    /// Cedar's value; none for an error.
    fn ask(&self, a: &str, b: &str) -> Option<EvalResult> {
        evaluate(&self.expression, a, b)
    }

    /// Cedar's value as text; none for an error.
    pub(crate) fn text(&self, a: &str, b: &str) -> Option<String> {
        self.ask(a, b).map(|value| value.to_string())
    }

    /// Cedar's Long; none for an error.
    pub(crate) fn long(&self, a: &str, b: &str) -> Option<i64> {
        match self.ask(a, b)? {
            EvalResult::Long(number) => Some(number),
            other => panic!("{} is not a Long: {other}", self.text),
        }
    }

    /// Cedar's Bool; none for an error.
    pub(crate) fn bool(&self, a: &str, b: &str) -> Option<bool> {
        match self.ask(a, b)? {
            EvalResult::Bool(truth) => Some(truth),
            other => panic!("{} is not a Bool: {other}", self.text),
        }
    }
}

/// Asks several questions with Bool answers about the same texts.
pub(crate) struct Questions(Vec<Question>);

impl Questions {
    pub(crate) fn new<const N: usize>(texts: [&'static str; N]) -> Self {
        Self(texts.map(Question::new).into())
    }

    /// Panics where Cedar's answers are not these.
    pub(crate) fn check<const N: usize>(&self, a: &str, b: &str, ours: [bool; N]) {
        assert_eq!(self.0.len(), N);
        for (question, ours) in self.0.iter().zip(ours) {
            assert_eq!(question.bool(a, b), Some(ours), "{} of {a:?} and {b:?}", question.text);
        }
    }
}

/// Cedar's value of an expression over `context.a` and `context.b`; none for an error.
pub(crate) fn evaluate(expression: &Expression, a: &str, b: &str) -> Option<EvalResult> {
    let string = |text: &str| RestrictedExpression::new_string(text.to_owned());
    let context = Context::from_pairs([("a".to_owned(), string(a)), ("b".to_owned(), string(b))]).unwrap();
    let anyone: EntityUid = "Any::\"one\"".parse().unwrap();
    let request = Request::new(anyone.clone(), anyone.clone(), anyone, context, None).unwrap();
    eval_expression(&request, &Entities::empty(), expression).ok()
}

/// How many texts have a value of the type and how many have none.
#[derive(Default)]
pub(crate) struct Counts {
    values: usize,
    others: usize,
}

impl Counts {
    pub(crate) fn count(&mut self, is_value: bool) {
        *(if is_value { &mut self.values } else { &mut self.others }) += 1;
    }

    /// Panics if the texts were too much of a kind to show anything.
    pub(crate) fn report(&self, what: &str) {
        println!("{what}: {} with a value, {} without", self.values, self.others);
        assert!(self.values.min(self.others) * 5 > self.values + self.others, "{what}: too much of a kind");
    }
}
