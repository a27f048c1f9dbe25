/// One NOTIFY.
public struct Notification: Sendable, Hashable {
    /// The channel, without quotes.
    public let channel: String
    /// At most 8,000 bytes by the server's rule.
    public let payload: String

    /// A notification as the server would send it.
    public init(channel: String, payload: String) {
        self.channel = channel
        self.payload = payload
    }
}

/// What a listener hears.
public enum ListenerEvent: Sendable, Hashable {
    /// A NOTIFY; equal ones that wait to be read are merged into one.
    case notification(Notification)
    /// Anything may have been missed: the listener has just connected, or more waited than its limit allows.
    case resync
}
