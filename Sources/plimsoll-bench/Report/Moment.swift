import Dispatch

/// The monotonic clock in nanoseconds, as plain numbers: cheap to keep for thousands of workers.
enum Moment {
    static var now: UInt64 { DispatchTime.now().uptimeNanoseconds }
}
