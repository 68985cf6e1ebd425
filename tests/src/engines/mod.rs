//! Real engines for tests: started on a free loopback port, ended by pid.

mod ministack;

pub use ministack::Ministack;
