//! What is wrong with a bundle, where, and what would be right?
//!
//! A [`Finding`] is data: a [`Code`] of one table, a place in a file, a message, an advice. The table is what code,
//! documentation and tests walk ([`Code::ALL`]). Messages are lower case, end without a stop, and put what stands in
//! the bundle into backticks. Lines and columns count from 1, columns in characters.
//!
//! Read next: `limits.rs`.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

/// Whether a bundle with this finding can be loaded.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    /// It cannot.
    Error,
    /// It can.
    Warning,
}

impl Severity {
    /// The word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

macro_rules! codes {
    ($($variant:ident $name:literal $severity:ident, $meaning:literal;)*) => {
        /// What kind of finding it is.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Code { $(#[doc = $meaning] $variant,)* }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code as documented.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// One sentence saying what it means.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }

            /// Whether a bundle can be loaded all the same.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }
        }
    };
}

codes! {
    TextTooLarge "text_too_large" Error, "a file is larger than is read";
    NestedTooDeep "nested_too_deep" Error, "brackets, types or expressions stand inside one another deeper than is read";
    ChainTooLong "chain_too_long" Error, "more operators follow one another without brackets than are read";
    LimitReached "limit_reached" Error, "the bundle has more of something than an engine can hold";
    NoStack "no_stack" Error, "the system gives no room to parse in";
    SettingsSyntax "settings_syntax" Error, "`agentpdp.toml` or a task's file is not TOML";
    KeyUnknown "key_unknown" Error, "a TOML file has a key that is not read";
    KeyValue "key_value" Error, "a key of a TOML file has a value that it cannot have";
    NotInThisRelease "not_in_this_release" Error, "the bundle uses what this release does not have";
    SettingMisplaced "setting_misplaced" Error, "a key stands in a bundle of the kind that cannot have it";
    PartiesMissing "parties_missing" Error, "a bundle with tasks names no type of principals or of agents";
    PartiesOverlap "parties_overlap" Error, "an entity type is one of principals and of agents";
    OpenParty "open_party" Error, "a type of parties is in `open_types`";
    NameInvalid "name_invalid" Error, "a claim or a parameter has a name that policies cannot write";
    TypeInvalid "type_invalid" Error, "a text that should be a Cedar type is none";
    TasksMissing "tasks_missing" Error, "a bundle declares what only tasks use, and has no task";
    TaskNameInvalid "task_name_invalid" Error, "a task's file has a name that is not 1 to 64 of `a-z`, `0-9` and `-`";
    TaskIncomplete "task_incomplete" Error, "a task has one of its two files only";
    LifetimeMissing "lifetime_missing" Error, "a task has no `lifetime`";
    ParamValue "param_value" Error, "a default or a bound of a parameter does not fit it";
    OwnUnknown "own_unknown" Error, "`own` of a task names no action and no group, or several";
    NamespaceReserved "namespace_reserved" Error, "the schema or the settings use the namespace `AgentPDP`";
    ContextReserved "context_reserved" Error, "the schema declares a name in a context that the engine gives";
    ActionUndeclared "action_undeclared" Error, "`[actions.NAME]` names no tool and no action of the schema";
    ArgumentUndeclared "argument_undeclared" Error, "a declaration names an argument that the tool does not have";
    ImpactContradicts "impact_contradicts" Error, "`read` stands beside another impact";
    ResourceMissing "resource_missing" Error, "where a tool's resource comes from is not declared";
    ResourceType "resource_type" Error, "a resource cannot come from where it is declared to";
    ToolsSyntax "tools_syntax" Error, "the text of a tool list is not JSON, or an object of it has a name twice";
    ToolsTooLarge "tools_too_large" Error, "a tool list is larger, longer or nested deeper than is read";
    ToolShape "tool_shape" Error, "a tool list or a tool lacks a key or has one of the wrong kind";
    ToolDuplicate "tool_duplicate" Error, "two tools have one name";
    InputNotObject "input_not_object" Error, "a tool's input schema does not describe an object";
    InputTooLarge "input_too_large" Error, "a tool's schema means more arguments than are read";
    RefRemote "ref_remote" Error, "a `$ref` of a tool's schema names another document";
    RefUnresolved "ref_unresolved" Error, "a `$ref` of a tool's schema names nothing in it";
    NameCollision "name_collision" Error, "two attributes of an input have one name, such as `to_count` beside a list `to`";
    NameReserved "name_reserved" Error, "an argument's name starts with `__`";
    KindUnknown "kind_unknown" Error, "there is no such kind of argument";
    KindOption "kind_option" Error, "a kind has an unknown key, lacks one, or has one of the wrong kind";
    KindType "kind_type" Error, "a kind is declared for an argument of a type that it does not read";
    EntityType "entity_type" Error, "an argument declared as an entity is not a string, an integer or a list of them";
    OpaqueTyped "opaque_typed" Error, "an argument declared opaque has a type that rules can read";
    PolicySyntax "policy_syntax" Error, "the text of a policy file is not Cedar";
    PolicyIdMissing "policy_id_missing" Error, "a policy has no `@id`";
    PolicyIdInvalid "policy_id_invalid" Error, "an `@id` is not 1 to 128 letters, digits, dots, underscores or hyphens";
    PolicyIdDuplicate "policy_id_duplicate" Error, "two policies have one `@id`";
    StepUpUnsupported "step_up_unsupported" Error, "a policy of a bundle without tasks has `@step_up`";
    StepUpMisplaced "step_up_misplaced" Error, "`@step_up` stands on a permit, or names no role";
    PermitUnscoped "permit_unscoped" Error, "a permit of a task does not name its actions";
    TemplateInTask "template_in_task" Error, "a policy of a task has slots";
    HasUndeclared "has_undeclared" Error, "`has` asks for an attribute that nothing declares where it looks";
    TypesNeverMatch "types_never_match" Error, "`==`, `in` or `contains` compares entities of types that never match";
    OpenRead "open_read" Error, "a forbid reads what an entity of an open type may not have, without asking `has` first";
    RecordWhole "record_whole" Error, "a policy uses as a whole a record that is only there in parts";
    SchemaSyntax "schema_syntax" Error, "the text of the schema is not Cedar's schema language";
    SchemaInvalid "schema_invalid" Error, "the schema contradicts itself or names what it does not declare";
    SchemaTooLarge "schema_too_large" Error, "the schema declares more, or means more once everything is resolved, than is read";
    EntityTypeUnknown "entity_type_unknown" Error, "a policy names an entity type that the schema does not declare";
    EntityIdUnknown "entity_id_unknown" Error, "a policy names an entity that its enumerated type does not list";
    ActionUnknown "action_unknown" Error, "a policy names an action that the schema does not declare";
    TypeUnexpected "type_unexpected" Error, "an expression has another type than its place needs";
    TypesIncompatible "types_incompatible" Error, "expressions that must have one type have several";
    AttributeUnknown "attribute_unknown" Error, "a policy reads an attribute that the schema does not declare there";
    AttributeUnguarded "attribute_unguarded" Error, "a policy reads an optional attribute without asking `has` first";
    TagUnguarded "tag_unguarded" Error, "a policy reads a tag without asking `hasTag` first";
    TagsUndeclared "tags_undeclared" Error, "a policy reads tags of an entity type that has none";
    FunctionUnknown "function_unknown" Error, "a policy calls a function that Cedar does not have";
    ArgumentCount "argument_count" Error, "a function is called with too many or too few arguments";
    ArgumentInvalid "argument_invalid" Error, "a function is called with text that it does not take";
    ArgumentNotLiteral "argument_not_literal" Error, "an extension value is made of something else than a literal";
    SetEmpty "set_empty" Error, "a policy has an empty set, whose type cannot be known";
    PolicyInvalid "policy_invalid" Error, "a policy does not validate for another reason";
    EntitiesSyntax "entities_syntax" Error, "the text of the entities is not JSON, or not an array of objects";
    EntityShape "entity_shape" Error, "an entity lacks a key, has an unknown one, or has one of the wrong kind";
    EntityValue "entity_value" Error, "an attribute or tag holds something that is no Cedar value";
    EntityUid "entity_uid" Error, "a uid is not a type name and an id";
    EntityDuplicate "entity_duplicate" Error, "two entities have one uid and differ";
    EntitySchema "entity_schema" Error, "an entity does not fit the schema";
    EntityCycle "entity_cycle" Error, "an entity would be its own ancestor";
    PolicyInapplicable "policy_inapplicable" Error, "a policy's scope fits no action with its principals and resources";
    ImpactStricter "impact_stricter" Warning, "a tool's own definition makes its impact stricter than what is declared";
    TaskBeyondCeiling "task_beyond_ceiling" Warning, "a task permits an action that no ceiling could ever allow";
    TaskUnreachable "task_unreachable" Warning, "no ceiling could ever allow to start or to delegate a task";
    ApprovalUnreachable "approval_unreachable" Warning, "a forbid steps up, and no ceiling could ever allow to approve";
    ParamUnread "param_unread" Warning, "a parameter of a task is read by nothing";
    ParamSilences "param_silences" Warning, "a Bool parameter silences a forbid by itself";
    ChoiceUnknown "choice_unknown" Warning, "a policy compares an argument with a text that is none of its choices";
    PolicyImpossible "policy_impossible" Warning, "a policy can never be satisfied";
    TextConfusable "text_confusable" Warning, "a text looks like another one: mixed scripts, confusable or invisible characters";
    SchemaShadowing "schema_shadowing" Warning, "a name of the schema hides another one";
    PolicyDoubtful "policy_doubtful" Warning, "the validator doubts a policy for another reason";
}

impl fmt::Display for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// One thing that is wrong or doubtful.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// What kind it is.
    pub code: Code,
    /// Whether the bundle can be loaded all the same.
    pub severity: Severity,
    /// The file, by the name it was given under.
    pub file: Arc<str>,
    /// The line, counted from 1.
    pub line: Option<u32>,
    /// The column, counted from 1, in characters.
    pub column: Option<u32>,
    /// The policy, by its name.
    pub policy: Option<Arc<str>>,
    /// What is wrong.
    pub message: String,
    /// What would be right; may be empty.
    pub advice: String,
}

impl Finding {
    /// A finding about a file as a whole.
    #[must_use]
    pub fn new(code: Code, file: &Arc<str>, message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity(),
            file: file.clone(),
            line: None,
            column: None,
            policy: None,
            message: message.into(),
            advice: advice.into(),
        }
    }

    /// The same finding at a byte of the file's text.
    #[must_use]
    pub fn at(mut self, lines: &Lines<'_>, offset: usize) -> Self {
        let (line, column) = lines.place(offset);
        (self.line, self.column) = (Some(line), Some(column));
        self
    }

    /// The same finding about a policy.
    #[must_use]
    pub fn of_policy(mut self, policy: Option<Arc<str>>) -> Self {
        self.policy = policy;
        self
    }

    /// Whether it keeps the bundle from being loaded.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.file)?;
        for number in [self.line, self.column].into_iter().flatten() {
            write!(formatter, ":{number}")?;
        }
        write!(formatter, ": {}: {} [{}]", self.severity.name(), self.message, self.code)
    }
}

/// Where the lines of a text start.
#[derive(Debug)]
pub struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
    /// The last byte that was asked for and the characters of its line before it: questions come in order, and a text
    /// may be one long line.
    last: Cell<(usize, usize)>,
}

impl<'a> Lines<'a> {
    /// The lines of a text.
    #[must_use]
    pub fn of(text: &'a str) -> Self {
        let after = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at.saturating_add(1));
        Self { text, starts: std::iter::once(0).chain(after).collect(), last: Cell::new((0, 0)) }
    }

    /// Line and column of a byte, counted from 1.
    #[must_use]
    pub fn place(&self, offset: usize) -> (u32, u32) {
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let mut end = offset.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end = end.saturating_sub(1);
        }
        let (known, before) = if (start..=end).contains(&self.last.get().0) { self.last.get() } else { (start, 0) };
        let between = self.text.get(known..end).unwrap_or("").chars().count();
        let before = before.saturating_add(between);
        self.last.set((end, before));
        (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(before.saturating_add(1)).unwrap_or(u32::MAX))
    }

    /// The byte at a line and a column that counts bytes, both from 1, as `serde_json` gives them.
    #[must_use]
    pub fn offset(&self, line: usize, column: usize) -> usize {
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or(self.text.len());
        start.saturating_add(column.saturating_sub(1)).min(self.text.len())
    }
}
