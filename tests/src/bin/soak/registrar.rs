//! Replaces the certificate of the server every few seconds.

use std::time::Duration;

use crate::certificates::Certificates;
use crate::stage::Stage;
use basehttp_tests::dice::Dice;

pub(crate) struct Registrar<'a> {
    pub(crate) certificates: &'a Certificates,
    pub(crate) dice: Dice,
    pub(crate) stage: &'a Stage,
}

impl Registrar<'_> {
    pub(crate) fn replace(&mut self) {
        while self.stage.goes_on() {
            if let Err(error) = self.certificates.replace(&mut self.dice) {
                self.stage.wrong(format!("a certificate cannot be replaced: {error}"));
            }
            let pause = Duration::from_millis(self.dice.between(1000, 5000));
            self.stage.hold(pause);
        }
    }
}
