//! All orders in which a few threads can run some code of the library, with three preemptions at
//! the most (the bound that loom's authors advise): the code is compiled with loom's atomics and
//! mutexes in place of the standard library's.

mod lists;
mod lock;

/// Tries them all. Panics with the first that fails.
fn try_all(body: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(body);
}

fn main() {
    let tests = lock::TESTS.iter().chain(lists::TESTS);
    let mut n = 0;
    for (name, test) in tests {
        test();
        println!("ok {name}");
        n += 1;
    }
    println!("{n} passed, 0 failed");
}
