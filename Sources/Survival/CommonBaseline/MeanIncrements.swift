/// The hazard increments times the mean covariates at each point of a grid: K·p numbers each, point by point.
///
/// `survivor` is c Σ a/s for those who stay, `leaver` is c Σ (1 − f)a/s for those who leave, `death` the mean covariates with
/// which a death is compared. From sums over all sites, hence the same everywhere.
package struct MeanIncrements: Sendable, Hashable {
    package var survivor: [Double]
    package var leaver: [Double]
    package var death: [Double]
}
