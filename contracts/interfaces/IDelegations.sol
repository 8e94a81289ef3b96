// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ConsentTerms} from "../types/Consent.sol";
import {DelegatedAct, Delegation} from "../types/Delegation.sol";
import {Subject} from "../types/Record.sol";

/// @title Who may act for a patient
/// @notice A patient names a person, what he may do in her name, for which categories and until when, and narrows or
/// ends it at any time, without him. What he does writes the same words as her own acts, under the same rules and within
/// the delegation, and says for ever that it was done for her. He never delegates on: nothing here lets him. A delegate
/// whom she denies can do nothing and reads nothing.
interface IDelegations {
    /// @notice A patient named a delegate, or replaced what she had delegated to him.
    event DelegationSet(
        address indexed patient,
        address indexed delegate,
        uint8 powers,
        uint16 categories,
        uint40 until
    );
    /// @notice From this second on the delegate can do nothing; `resigned`: he gave it up himself.
    event DelegationEnded(address indexed patient, address indexed delegate, bool resigned);
    /// @notice A delegate did this for the patient; the same transaction's other event says what it changed. `what` is
    /// the consent's id, for a denial that of the pair's consent number 0, for an answer the record's digest, in a batch
    /// its root, for a question its id.
    event DoneByDelegate(address indexed patient, address indexed delegate, bytes32 indexed what, DelegatedAct act);

    /// @notice A delegate is a registered person, and not the patient.
    error DelegateInvalid(address delegate);
    /// @notice A delegation names known powers, a category, and an end that is to come, within two years.
    error DelegationInvalid(uint8 powers, uint16 categories, uint40 until);
    /// @notice Nothing that can be done here needs this power: whoever was given it would be promised what he cannot do.
    error PowerWithoutAct(uint8 power);
    /// @notice The patient has not delegated this to him, or no longer, or denies him.
    error DelegationMissing(address patient, address delegate, uint8 power);
    /// @notice The act concerns categories that were not delegated.
    error DelegationExceeded(address delegate, uint16 categories, uint16 delegated);
    /// @notice What a delegate grants ends no later than his delegation.
    error DelegationOutlived(address delegate, uint40 expiry, uint40 until);
    /// @notice A delegate acts on no consent to himself, his organization or a team that he is in, nor on his own record.
    error ActsOnHimself(address delegate, address grantee);
    /// @notice A delegate withdraws only what was granted.
    error ConsentUnknown(address patient, address grantee, bytes32 scope);

    /// @notice Patient only: name a delegate, replace what he may do, or with three zeros end it. At once.
    /// @param delegate a registered person
    /// @param powers mask of read (1), grant (2), withdraw and deny (4), present (16), accept (32); claim (8)
    /// is refused, for no act needs it
    /// @param categories mask; a sensitive one counts only if it is named
    /// @param until seconds since 1970; at most two years from now
    function setDelegation(address delegate, uint8 powers, uint16 categories, uint40 until) external;

    /// @notice Submit a delegation, or its end, that its patient signed (EIP-712 `Delegation`, which names how often it
    /// has changed before).
    function setDelegationSigned(
        address patient,
        address delegate,
        uint8 powers,
        uint16 categories,
        uint40 until,
        uint40 deadline,
        bytes32 r,
        bytes32 vs
    ) external;

    /// @notice Delegate only: give up what the patient delegated.
    function resign(address patient) external;

    /// @notice Delegate with the power to grant: grant within what was delegated, to somebody else, no longer than that.
    function grantFor(address patient, address grantee, bytes32 scope, ConsentTerms terms, bytes32 document) external;

    /// @notice Delegate with the power to withdraw: withdraw a consent all of whose categories were delegated.
    function withdrawFor(address patient, address grantee, bytes32 scope) external;

    /// @notice Delegate with the power to withdraw, for all sixteen categories, since a denial concerns them all: deny
    /// somebody else everything. Only the patient lifts a denial.
    function denyFor(address patient, address grantee) external;

    /// @notice Delegate with the power to accept: take a proposed record in, or turn it down.
    function answerFor(bytes32 digest, Subject subject, address author, bool accepted) external;

    /// @notice Delegate with the power to accept: take in one record of a batch.
    function acceptInBatchFor(
        bytes32 root,
        uint32 index,
        bytes32 digest,
        Subject subject,
        bytes32[] calldata path
    ) external;

    /// @notice Delegate with the power to accept: turn down one record of a batch.
    function turnDownInBatchFor(
        bytes32 root,
        uint32 index,
        bytes32 digest,
        Subject subject,
        bytes32[] calldata path
    ) external;

    /// @notice The packed word of a delegation; zero if he was never named.
    function delegationOf(address patient, address delegate) external view returns (Delegation);
}
