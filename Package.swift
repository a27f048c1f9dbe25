// swift-tools-version: 6.2
import PackageDescription

/// The same rules for every target of ours: language mode 6 and the upcoming features that keep imports honest.
var house: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatWarning("StrictLanguageFeatures", as: .error),
]
// `Deploy/check` lets no warning pass.
if Context.environment["PLIMSOLL_STRICT"] != nil { house.append(.treatAllWarnings(as: .error)) }

// Products of other packages, named once.
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let asn1 = Target.Dependency.product(name: "SwiftASN1", package: "swift-asn1")
let certificateReloading = Target.Dependency.product(name: "NIOCertificateReloading", package: "swift-nio-extras")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let grpc = Target.Dependency.product(name: "GRPCCore", package: "grpc-swift-2")
let grpcProtobuf = Target.Dependency.product(name: "GRPCProtobuf", package: "grpc-swift-protobuf")
let grpcTransport = Target.Dependency.product(
    name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport")
let heap = Target.Dependency.product(name: "HeapModule", package: "swift-collections")
let histogram = Target.Dependency.product(name: "Histogram", package: "hdrhistogram-swift")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let lifecycleTests = Target.Dependency.product(
    name: "ServiceLifecycleTestKit", package: "swift-service-lifecycle")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let nio = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let nioTLS = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let x509 = Target.Dependency.product(name: "X509", package: "swift-certificates")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

let package = Package(
    name: "plimsoll",
    products: [
        .executable(name: "plimsoll", targets: ["plimsoll"]),
        .executable(name: "plimsoll-bench", targets: ["plimsoll-bench"]),
        .library(name: "WorkerKit", targets: ["WorkerKit"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.0"),
        .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.0"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.0"),
        .package(url: "https://github.com/grpc/grpc-swift-protobuf", from: "2.4.0"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0", traits: []),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.0"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ],
    targets: [
        // PostgreSQL
        .systemLibrary(name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev", "libssl-dev"])]),
        .target(name: "Postgres", dependencies: ["CLibPQ", deque, logging], swiftSettings: house),
        .target(name: "PrivateCluster", dependencies: [logging], swiftSettings: house),

        // Pure
        .target(name: "PlimsollModel", dependencies: [crypto, yams], swiftSettings: house),
        .target(name: "QualityReview", dependencies: ["PlimsollModel"], swiftSettings: house),
        .target(name: "Exchange", dependencies: ["PlimsollModel", crypto], swiftSettings: house),
        .target(name: "Identity", dependencies: [asn1, crypto, x509], swiftSettings: house),

        // The coordinator
        .target(
            name: "Ledger", dependencies: ["Postgres", "PlimsollModel", crypto, logging],
            resources: [.embedInCode("Migrations"), .embedInCode("Inventories")], swiftSettings: house),
        .target(
            name: "Coordinator",
            dependencies: ["Ledger", "PlimsollModel", "QualityReview", deque, heap, lifecycle, logging, metrics],
            swiftSettings: house),
        .target(
            name: "PlimsollProtocol", dependencies: [grpc, grpcProtobuf, protobuf],
            swiftSettings: [.swiftLanguageMode(.v6)]),
        .target(
            name: "Gateway",
            dependencies: [
                "Coordinator", "Identity", "Ledger", "PlimsollModel", "PlimsollProtocol", "QualityReview",
                certificateReloading, grpc, grpcProtobuf, grpcTransport, lifecycle, logging, nio, nioPosix, nioSSL,
                nioTLS, protobuf, x509,
            ], swiftSettings: house),

        // Clients
        .target(
            name: "WorkerKit",
            dependencies: [
                "Identity", "PlimsollProtocol", grpc, grpcProtobuf, grpcTransport, logging, nio, nioPosix, protobuf,
            ], swiftSettings: house),
        .executableTarget(
            name: "plimsoll",
            dependencies: [
                "Coordinator", "Exchange", "Gateway", "Identity", "Ledger", "PlimsollModel", "PlimsollProtocol",
                "Postgres", "PrivateCluster", "QualityReview", "WorkerKit", argumentParser, grpc, grpcProtobuf,
                grpcTransport, lifecycle, logging, nio, nioPosix, nioSSL, protobuf, unixSignals, yams,
            ],
            resources: [.embedInCode("Demo/Tasks"), .embedInCode("Demo/policy.yaml")],
            swiftSettings: house),
        .executableTarget(
            name: "plimsoll-bench",
            dependencies: [
                "Identity", "PlimsollModel", "PlimsollProtocol", "PrivateCluster", "QualityReview", "WorkerKit",
                argumentParser, grpc, grpcTransport, histogram, logging, nio, nioPosix,
            ], swiftSettings: house),

        .executableTarget(
            name: "plimsoll-replay",
            dependencies: ["Identity", "PlimsollProtocol", "WorkerKit", argumentParser], swiftSettings: house),

        // Tests
        .target(
            name: "TestSupport",
            dependencies: ["Identity", "Postgres", "PrivateCluster", asn1, crypto, logging, x509],
            path: "Tests/TestSupport", swiftSettings: house),
        .testTarget(
            name: "PostgresTests", dependencies: ["Postgres", "PrivateCluster", "TestSupport", logging],
            swiftSettings: house),
        .testTarget(
            name: "PrivateClusterTests", dependencies: ["Postgres", "PrivateCluster", "TestSupport", logging],
            swiftSettings: house),
        .testTarget(name: "PlimsollModelTests", dependencies: ["PlimsollModel"], swiftSettings: house),
        .testTarget(
            name: "QualityReviewTests", dependencies: ["PlimsollModel", "QualityReview"], swiftSettings: house),
        .testTarget(name: "ExchangeTests", dependencies: ["Exchange", "PlimsollModel"], swiftSettings: house),
        .testTarget(
            name: "IdentityTests", dependencies: ["Identity", "TestSupport", asn1, crypto, x509], swiftSettings: house),
        .testTarget(
            name: "LedgerTests",
            dependencies: [
                "Coordinator", "Ledger", "PlimsollModel", "Postgres", "PrivateCluster", "TestSupport", crypto, logging,
            ],
            swiftSettings: house),
        .testTarget(
            name: "CoordinatorTests",
            dependencies: [
                "Coordinator", "Ledger", "PlimsollModel", "Postgres", "PrivateCluster", "TestSupport", lifecycle,
                logging,
            ],
            swiftSettings: house),
        .testTarget(
            name: "ScheduleTests",
            dependencies: [
                "Coordinator", "Ledger", "PlimsollModel", "Postgres", "PrivateCluster", "TestSupport", logging,
            ],
            swiftSettings: house),
        .testTarget(
            name: "GatewayTests",
            dependencies: [
                "Coordinator", "Gateway", "Identity", "Ledger", "PlimsollModel", "PlimsollProtocol", "Postgres",
                "TestSupport", grpc, grpcTransport, lifecycle, lifecycleTests, logging, nio, nioEmbedded, nioPosix,
                nioSSL, protobuf,
            ], swiftSettings: house),
        .testTarget(
            name: "WorkerKitTests",
            dependencies: [
                "Identity", "PlimsollModel", "PlimsollProtocol", "WorkerKit", "plimsoll", argumentParser,
                grpc, grpcTransport, logging, protobuf,
            ], swiftSettings: house),
        .testTarget(
            name: "PlimsollTests",
            dependencies: [
                "Coordinator", "Exchange", "Gateway", "Identity", "PlimsollModel", "PlimsollProtocol", "plimsoll",
                argumentParser, grpc, protobuf, unixSignals,
            ], swiftSettings: house),
        .testTarget(
            name: "SystemTests",
            dependencies: [
                "Exchange", "Identity", "PlimsollModel", "PlimsollProtocol", "Postgres", "PrivateCluster",
                "TestSupport", "WorkerKit", "plimsoll", "plimsoll-replay", grpc, grpcTransport, logging, protobuf,
            ], exclude: ["python"], swiftSettings: house),
    ]
)
