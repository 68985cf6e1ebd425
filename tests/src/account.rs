//! A test aggregate: accounts with a balance and a unique number. `Deposited` is at version 3 to show upcasting.

use headwater_kernel::{Aggregate, Claim, Facts, Rejection, Upcast};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The test context.
pub const CONTEXT: &str = "bank";

/// A balance that never goes below zero, and numbers that no other account has.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// What is in it.
    pub cents: i64,
    /// Its unique numbers.
    pub numbers: Vec<String>,
}

/// The commands.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Adds.
    Deposit {
        /// How much.
        cents: i64,
    },
    /// Adds in several events.
    DepositTimes {
        /// How much each.
        cents: i64,
        /// How often.
        times: usize,
    },
    /// Takes.
    Withdraw {
        /// How much.
        cents: i64,
    },
    /// Sets the numbers.
    Number {
        /// All of them.
        numbers: Vec<String>,
    },
}

/// The events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// Version 1 was called `MoneyAdded` and had `amount`; version 2 `Deposited` had `amount`; version 3 has `cents`.
    Deposited {
        /// How much.
        cents: i64,
    },
    /// Money went.
    Withdrawn {
        /// How much.
        cents: i64,
    },
    /// The numbers changed.
    Numbered {
        /// All of them.
        numbers: Vec<String>,
    },
}

impl Aggregate for Account {
    const CONTEXT: &'static str = CONTEXT;
    const NAME: &'static str = "accounts";
    type Command = Command;
    type Event = Event;

    fn decide(&self, command: Command, _: &Facts) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::Deposit { cents: 0 } => Ok(vec![]),
            Command::Deposit { cents } => Ok(vec![Event::Deposited { cents }]),
            Command::DepositTimes { cents, times } => Ok(vec![Event::Deposited { cents }; times]),
            Command::Withdraw { cents } if cents > self.cents => {
                Err(Rejection::field("too-little", "/cents", "too little"))
            }
            Command::Withdraw { cents } => Ok(vec![Event::Withdrawn { cents }]),
            Command::Number { numbers } => Ok(vec![Event::Numbered { numbers }]),
        }
    }

    fn apply(&mut self, event: &Event) {
        match event {
            Event::Deposited { cents } => self.cents += cents,
            Event::Withdrawn { cents } => self.cents -= cents,
            Event::Numbered { numbers } => self.numbers.clone_from(numbers),
        }
    }

    fn claims(&self) -> Vec<Claim> {
        self.numbers
            .iter()
            .map(|value| Claim {
                name: "number",
                value: value.clone(),
                pointer: "/numbers",
            })
            .collect()
    }

    fn schema_version(event_type: &str) -> u32 {
        match event_type {
            "Deposited" => 3,
            "MoneyAdded" => 2,
            _ => 1,
        }
    }

    fn upcast(event_type: &str, version: u32, data: Value) -> Option<Upcast> {
        let step = |version, data| {
            Some(Upcast {
                event_type: "Deposited".into(),
                version,
                data,
            })
        };
        match (event_type, version) {
            ("MoneyAdded", 1) => step(2, data),
            ("Deposited", 2) => step(3, json!({ "cents": data.get("amount")? })),
            _ => None,
        }
    }
}
