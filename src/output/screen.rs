//! The terminal as progress bars see it: a little narrower than it is.

use std::io::{self, Write, stderr};
use std::mem;
use std::sync::{Mutex, PoisonError};

use indicatif::{MultiProgress, ProgressDrawTarget, TermLike};
use rustix::termios::{Winsize, tcgetwinsize};

/// Bars on standard error. Whoever adds one has made sure that it is a terminal.
pub fn bars() -> MultiProgress {
    const A_SECOND: u8 = 20;
    let screen = Box::<Screen>::default();
    MultiProgress::with_draw_target(ProgressDrawTarget::term_like_with_hz(screen, A_SECOND))
}

/// How many characters a line of a bar has room for. Bars fill their lines, and the `^C` that a terminal
/// shows behind them would go on in the next one; then it is not the bars' lines that are cleared.
pub fn columns() -> u16 {
    const LEFT_FREE: u16 = 3;
    size().map_or(80, |size| size.ws_col).saturating_sub(LEFT_FREE)
}

fn size() -> Option<Winsize> {
    tcgetwinsize(stderr()).ok().filter(|size| size.ws_col > 0 && size.ws_row > 0)
}

/// What is drawn goes out at once, so that it does not flicker.
#[derive(Debug, Default)]
struct Screen(Mutex<String>);

impl Screen {
    fn add(&self, text: &str) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_str(text);
        Ok(())
    }

    fn moves(&self, by: usize, direction: char) -> io::Result<()> {
        match by {
            0 => Ok(()),
            by => self.add(&format!("\u{1b}[{by}{direction}")),
        }
    }
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        columns()
    }

    fn height(&self) -> u16 {
        size().map_or(24, |size| size.ws_row)
    }

    fn move_cursor_up(&self, by: usize) -> io::Result<()> {
        self.moves(by, 'A')
    }

    fn move_cursor_down(&self, by: usize) -> io::Result<()> {
        self.moves(by, 'B')
    }

    fn move_cursor_right(&self, by: usize) -> io::Result<()> {
        self.moves(by, 'C')
    }

    fn move_cursor_left(&self, by: usize) -> io::Result<()> {
        self.moves(by, 'D')
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.add(&format!("{text}\n"))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.add(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.add("\r\u{1b}[2K")
    }

    fn flush(&self) -> io::Result<()> {
        let drawn = mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        stderr().write_all(drawn.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_leaves_room_behind_it_and_goes_out_at_once() {
        let screen = Screen::default();
        assert!(screen.width() < size().map_or(80, |size| size.ws_col));
        screen.clear_line().unwrap();
        screen.move_cursor_up(0).unwrap();
        screen.move_cursor_up(2).unwrap();
        screen.write_line("a").unwrap();
        assert_eq!(*screen.0.lock().unwrap(), "\r\u{1b}[2K\u{1b}[2Aa\n");
    }
}
