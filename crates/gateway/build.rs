//! Builds again when the web's built files change: a missing folder must be seen to come.

fn main() {
    for folder in ["../../sdk/typescript/dist", "../../web/dist"] {
        println!("cargo:rerun-if-changed={folder}");
    }
}
