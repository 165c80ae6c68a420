//! Arguments as the reader of arguments takes them: inputs, read once, that no Python object stands behind any more.

use agentpdp_arguments::number::Number;
use agentpdp_arguments::source::{Key, List, Name, Node, Object, Source};
use agentpdp_cedar::input::Input;
use agentpdp_core::value::Value;

/// An input as a source.
#[derive(Clone, Copy)]
pub(crate) struct InputSource<'a>(pub(crate) &'a Input);

/// Members of a list.
#[derive(Clone, Copy)]
pub(crate) struct Members<'a>(&'a [Input]);

/// Members of an object.
#[derive(Clone, Copy)]
pub(crate) struct Pairs<'a>(&'a [(String, Input)]);

impl<'a> Source<'a> for InputSource<'a> {
    type List = Members<'a>;
    type Object = Pairs<'a>;

    fn node(self) -> Node<'a, Self> {
        match self.0 {
            Input::Null => Node::Null,
            Input::Bool(flag) => Node::Bool(*flag),
            Input::Long(integer) => Node::Integer(*integer),
            Input::Float(double) if double.is_finite() => Node::Number(Number::Float(*double)),
            Input::Number(text) => Node::Number(Number::Text(text)),
            Input::String(text) => Node::Text(text),
            Input::List(members) => Node::List(Members(members)),
            Input::Object(members) => Node::Object(Pairs(members)),
            Input::Value(Value::Decimal(decimal)) => Node::Number(Number::Decimal(*decimal)),
            Input::Broken => Node::Broken,
            Input::Float(_) | Input::Uid { .. } | Input::Value(_) | Input::Foreign => Node::Foreign,
        }
    }
}

impl<'a> List<'a, InputSource<'a>> for Members<'a> {
    fn len(self) -> usize {
        self.0.len()
    }

    fn members(self) -> impl Iterator<Item = InputSource<'a>> {
        self.0.iter().map(InputSource)
    }
}

impl<'a> Object<'a, InputSource<'a>> for Pairs<'a> {
    fn len(self) -> usize {
        self.0.len()
    }

    fn get(self, key: Key<'_>) -> Option<InputSource<'a>> {
        self.0.iter().find(|(name, _)| name == key.name).map(|(_, value)| InputSource(value))
    }

    fn members(self) -> impl Iterator<Item = (Name<'a>, InputSource<'a>)> {
        self.0.iter().map(|(name, value)| (Name::Text(name), InputSource(value)))
    }

    fn has_duplicates(self) -> bool {
        let mut names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names.windows(2).any(|pair| matches!(pair, [left, right] if left == right))
    }
}
