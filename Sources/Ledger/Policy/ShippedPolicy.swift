import PlimsollModel

/// The policy that holds before anybody has applied one: every shipped default, written out, so that what is shown is
/// what holds and a later build's defaults change nothing by themselves.
enum ShippedPolicy {
    static let document = PolicyDocument.defaults.yaml()
}
