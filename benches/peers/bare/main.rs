//! The floor of a plugin's start: a static process that prints a line and ends.

fn main() {
    println!("0");
}
