// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {HandOut, Opening, Prescription, PrescriptionTerms, Status} from "../types/Prescription.sol";
import {Subject} from "../types/Record.sol";

/// @notice The patient's fill key letting one pharmacist claim one fill once (EIP-712 `Redemption`).
struct Redemption {
    /// digest of the prescription's sealed body
    bytes32 digest;
    /// seconds since 1970 after which the signature is void
    uint40 deadline;
    /// EIP-2098 compact signature by the fill key
    bytes32 r;
    bytes32 vs;
}

/// @title Prescriptions that nobody can claim twice
/// @notice issued -> (claimed -> partly dispensed)* -> completed | cancelled | voided; "not yet", "expired" and "lapsed"
/// follow from the terms and the time. A claim is a lease with a fencing number: whoever claims later fences out
/// whoever claimed before. The pharmacist is let in by a fill key that the patient presents, or by the patient's
/// consent together with the prescriber's (`grantable` in the terms).
interface IPrescriptions {
    /// @notice A prescription was issued; its terms stay hidden in `termsHash` until the first claim. Its id follows from
    /// the three (`prescriptionId`).
    event PrescriptionIssued(address prescriber, Subject subject, bytes32 indexed termsHash);
    /// @notice A pharmacist holds the lease until `state.leaseUntil`, under the number `state.fence`.
    event PrescriptionClaimed(bytes32 indexed id, address indexed pharmacist, Prescription state);
    /// @notice Units were handed out; `record` is the digest of the sealed MedicationDispense.
    event PrescriptionDispensed(bytes32 indexed id, address indexed pharmacist, Prescription state, bytes32 record);
    /// @notice The holder gave her lease back.
    event PrescriptionReleased(bytes32 indexed id, address indexed pharmacist, Prescription state);
    /// @notice The pharmacist took her last dispense back; it stays in the history.
    event DispenseUndone(bytes32 indexed id, address indexed pharmacist, Prescription state);
    /// @notice Cancelled, pending cancellation, voided, suspended, resumed or settled: `state.status` says which.
    event PrescriptionChanged(bytes32 indexed id, address indexed by, Prescription state);

    /// @notice A prescription with this id was issued already.
    error PrescriptionAlreadyIssued(bytes32 id);
    /// @notice No prescription has this opening.
    error PrescriptionUnknown(bytes32 id);
    /// @notice The terms allow no fill, no unit, more than 12 fills, an empty period, or set bits that mean nothing.
    error PrescriptionTermsInvalid(PrescriptionTerms terms);
    /// @notice In this state the prescription allows no such act.
    error PrescriptionStateUnfit(bytes32 id, Status status);
    /// @notice Before its first day.
    error PrescriptionNotYetValid(bytes32 id, uint40 notBefore);
    /// @notice At or after its expiry.
    error PrescriptionExpired(bytes32 id, uint40 expiry);
    /// @notice Too soon after the last fill.
    error NextFillTooSoon(bytes32 id, uint256 nextFillAt);
    /// @notice Every fill, or every unit, is used up.
    error NothingLeftToDispense(bytes32 id, uint8 fillsUsed, uint24 unitsUsed);
    /// @notice Another pharmacist holds the lease.
    error LeaseHeldByAnother(bytes32 id, address holder, uint40 leaseUntil);
    /// @notice The caller's claim is not the last one, or its lease has passed.
    error LeaseLost(bytes32 id, uint16 fence, uint16 currentFence);
    /// @notice Zero units, or more than this fill may have.
    error UnitsOutOfRange(bytes32 id, uint24 units, uint24 most);
    /// @notice The key that signed is not the key of this fill.
    error FillKeyInvalid(bytes32 id, uint8 fill, address key);
    /// @notice Prescriber or patient has not let this pharmacist in.
    error DispenseNotPermitted(address patient, address pharmacist);
    /// @notice Only the prescriber may do this.
    error NotThePrescriber(address caller, address prescriber);
    /// @notice Neither prescriber nor patient.
    error NeitherPrescriberNorPatient(address caller);
    /// @notice Nothing to undo for this caller: not her dispense, not the last act, or the window has passed.
    error UndoNotPossible(bytes32 id);
}

/// @title Prescriptions: issuing, and dispensing at the counter
/// @notice The acts that are functions of `HealthLedger` itself.
interface IEverydayPrescriptions is IPrescriptions {
    /// @notice Issue as a prescriber whom the patient lets write.
    /// @param subject patient, categories of the body, and which consent lets the caller write
    /// @param hash `termsHash` of the terms and `hiddenOf` the sealed body's digest and the fill keys' root
    function issue(Subject subject, bytes32 hash) external;

    /// @notice Claim and dispense in one step on a presented fill key.
    /// @param path from the fill key's leaf to the root of the fill keys; empty for a single fill
    /// @param handOut units, whether the rest is owed, whether to anchor `record` now, packed as `HandOut`
    /// @param record digest of the sealed MedicationDispense
    function dispensePresented(
        Opening calldata opening,
        bytes32[] calldata path,
        Redemption calldata redemption,
        HandOut handOut,
        bytes32 record
    ) external;

    /// @notice Claim and dispense in one step with the patient's and the prescriber's consent; which consent, and
    /// whether it names the caller's organization, stands in `opening.subject`.
    function dispenseGranted(Opening calldata opening, HandOut handOut, bytes32 record) external;
}

/// @title Prescriptions: reservations, cancelling, pausing, undoing
/// @notice The acts and views whose code is in `HealthLedgerExtension`; called at the ledger's address all the same.
interface IRarePrescriptions is IPrescriptions {
    /// @notice Claim on a presented fill key: a lease of at most 24 hours.
    /// @param path from the fill key's leaf to the root of the fill keys; empty for a single fill
    function reservePresented(
        Opening calldata opening,
        bytes32[] calldata path,
        Redemption calldata redemption
    ) external;

    /// @notice Claim with the patient's and the prescriber's consent: a lease of at most 24 hours.
    function reserveGranted(Opening calldata opening) external;

    /// @notice Dispense under a lease. With units owed the lease goes on, else it ends.
    function dispenseReserved(Opening calldata opening, uint16 fence, HandOut handOut, bytes32 record) external;

    /// @notice Give a lease back.
    function release(Opening calldata opening, uint16 fence) external;

    /// @notice Prescriber or patient: cancel what is not yet dispensed. While a lease lives the cancellation is pending.
    function cancel(Opening calldata opening) external;

    /// @notice Prescriber: declare a prescription of which nothing was dispensed entered in error.
    function void(Opening calldata opening) external;

    /// @notice Prescriber: pause an unclaimed prescription, or resume a paused one.
    function setPause(Opening calldata opening, bool paused) external;

    /// @notice Anyone: complete a pending cancellation whose lease has passed.
    function settle(bytes32 id) external;

    /// @notice The pharmacist of the last dispense takes it back within 30 minutes, if nothing happened since.
    /// @param before the state word before that dispense
    function undo(Opening calldata opening, Prescription before) external;

    /// @notice The packed word of a prescription; zero if never issued.
    function prescriptionOf(bytes32 id) external view returns (Prescription);

    /// @notice Who claimed last by `reserve...`.
    function holderOf(bytes32 id) external view returns (address);
}
