//! Where the MCP endpoint is.

/// The endpoint, below the public URL. Clients want it at exactly this path.
pub const PATH: &str = "/mcp";
/// The same for API keys alone: nothing of it says that one could sign in.
pub const KEY_PATH: &str = "/mcp/key";
