import Cryptography
import Federation
import Foundation
import Testing

extension EndToEnd {
    /// Running nodes against a hostile coordinator over mutual TLS, which has every key but those of the honest hospitals.
    ///
    /// What each lie would bring is in `FederationTests/Attacks`, on hospitals that do not check.
    @Suite(.withLogs)
    struct Hostile {
        /// The study is launched again after each lie, and finishes once the coordinator is honest.
        @Test
        func `a running node refuses what the study does not ask, in a sentence`() async throws {
            try await Consortium.with(try Scenario.brief(), started: false) { consortium in
                try await HostileCoordinator.with(consortium) { coordinator in
                    try await consortium.submitAndApprove()
                    for forgery in Forgery.ofSessions {
                        coordinator.lie(forgery)
                        try await consortium.launch()
                        let watch = try await consortium.watch()
                        guard let refusal = forgery.refusal else {
                            #expect(watch.status == 0, "\(watch.error)")
                            continue
                        }
                        #expect(watch.status == 2, "\(forgery)")
                        #expect(watch.error.contains("brief: failed: site-1 refused: "), "\(watch.error)")
                        #expect(watch.error.contains(refusal), "\(forgery): \(watch.error)")
                    }
                    try await consortium.node("site-1", "audit", "verify").succeeded()
                    let open = "SELECT count(*) FROM sessions WHERE secret IS NOT NULL"
                    try await poll("the sessions' secrets to be erased") {
                        try await consortium.rows("site-1/ledger.sqlite", open) == ["0"]
                    }
                }
            }
        }

        @Test(arguments: Forgery.ofStudies)
        func `a study is taken up with its own text and its operator's signature alone`(_ forgery: Forgery)
            async throws
        {
            try await Consortium.with(try Scenario.brief(), started: false) { consortium in
                try await consortium.addOperator("rival")
                try await HostileCoordinator.with(consortium) { coordinator in
                    coordinator.lie(forgery)
                    try await consortium.submit()
                    try await consortium.approve("site-2")
                    try await poll("site-1 to refuse the study") {
                        consortium.folder.text("site-1/log").contains(
                            "a study that is not signed by the operator it names was offered")
                    }
                    #expect(try await !consortium.node("site-1", "studies").output.contains("brief"))
                }
            }
        }
    }
}
