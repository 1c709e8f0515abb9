//! Connectory's command line.

fn main() -> std::process::ExitCode {
    connectory::cli::run()
}
