// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Batch, RecordState, RecordWord, Subject} from "../types/Record.sol";

/// @title What was written, by whom, about whom, when
/// @notice A record is the digest of its sealed envelope. It is never changed: a correction supersedes it, "entered in
/// error" retracts it, and both leave it where it is. Somebody whom the patient has not let write proposes; the record
/// counts as hers once she accepts it.
interface IRecords {
    /// @notice A record was anchored as the patient's. `authorship` packs categories (uint16, from bit 160) and author.
    event RecordAnchored(bytes32 indexed digest, address indexed patient, uint256 authorship);
    /// @notice A record was proposed to the patient by an author without her leave to write.
    event RecordProposed(bytes32 indexed digest, address indexed patient, uint256 authorship);
    /// @notice The patient accepted a proposed record.
    event RecordAccepted(bytes32 indexed digest, address indexed patient);
    /// @notice The patient turned a proposed record down.
    event RecordTurnedDown(bytes32 indexed digest, address indexed patient);
    /// @notice The author corrected a record: `digest` now stands in the place of `superseded`.
    event RecordSuperseded(bytes32 indexed superseded, bytes32 indexed digest);
    /// @notice The author declared a record entered in error.
    event RecordRetracted(bytes32 indexed digest);
    /// @notice Many records were anchored as a Merkle root; `manifest` is the digest of their list.
    event BatchAnchored(bytes32 indexed root, address indexed author, uint32 count, bytes32 manifest);
    /// @notice The author declared one record of a batch entered in error.
    event BatchRecordRetracted(bytes32 indexed root, uint32 index);
    /// @notice The author corrected one record of a batch.
    event BatchRecordSuperseded(bytes32 indexed root, uint32 index, bytes32 indexed digest);
    /// @notice The patient accepted one record of a batch whose author she had not let write.
    event BatchRecordAccepted(bytes32 indexed root, uint32 index, address indexed patient);
    /// @notice The patient turned down one record of a batch whose author she had not let write.
    event BatchRecordTurnedDown(bytes32 indexed root, uint32 index, address indexed patient);

    /// @notice A record with this digest was anchored already.
    error RecordAlreadyAnchored(bytes32 digest);
    /// @notice No record with this digest, subject and author was anchored.
    error RecordNotAnchored(bytes32 digest);
    /// @notice The record is in a state in which this cannot be done to it.
    error RecordStateUnfit(bytes32 digest, RecordState state);
    /// @notice The patient has not let the author write records of these categories, or denies her.
    error WriteNotPermitted(address patient, address author, uint16 categories);
    /// @notice A record names a patient and at least one category.
    error SubjectInvalid(Subject subject);
    /// @notice The batch is unknown or not of this author.
    error NotTheBatchAuthor(bytes32 root, address caller);
    /// @notice The index is not in the batch.
    error IndexOutOfRange(bytes32 root, uint32 index, uint32 count);
    /// @notice The record of the batch was retracted or turned down before: there is nothing left to retract.
    error BatchRecordGone(bytes32 root, uint32 index);
    /// @notice The proof does not lead from this record to the batch's root.
    error ProofInvalid(bytes32 root, uint32 index);
    /// @notice Only the patient whom the record is about may do this.
    error NotThePatient(address caller, address patient);
}

/// @title What was written: anchoring one or many
/// @notice The acts that are functions of `HealthLedger` itself.
interface IEverydayRecords is IRecords {
    /// @notice Anchor one record for a patient who lets the caller write, or the caller's own record.
    /// @param digest SHA-256 of the envelope's root block
    /// @param subject patient, categories and which consent lets the caller write, packed as `Subject`
    function anchor(bytes32 digest, Subject subject) external;

    /// @notice Anchor many records as one root: each is readable, correctable, retractable and provable by itself.
    /// @param root of the OpenZeppelin-style Merkle tree over `recordLeaf`s
    /// @param count number of leaves
    /// @param manifest digest of the stored list of leaves
    function anchorBatch(bytes32 root, uint32 count, bytes32 manifest) external;

    /// @notice Author only: declare one record of a batch entered in error, unless its patient turned it down.
    function retractInBatch(bytes32 root, uint32 index) external;
}

/// @title What was written: proposals, corrections, members of teams, single records of a batch
/// @notice The acts and views whose code is in `HealthLedgerExtension`; called at the ledger's address all the same.
interface IRareRecords is IRecords {
    /// @notice The same, where the consent that lets the caller write names a team that she is in.
    function anchorAsMember(bytes32 digest, Subject subject, address team) external;

    /// @notice Propose one record to a patient who has not let the caller write.
    function propose(bytes32 digest, Subject subject) external;

    /// @notice Patient only: take a proposed record in, or turn it down.
    function answer(bytes32 digest, Subject subject, address author, bool accepted) external;

    /// @notice Author only: correct a record. The correction stands as the corrected one stood; a corrected proposal is
    /// taken back.
    function supersede(bytes32 superseded, bytes32 digest, Subject subject) external;

    /// @notice Author only: declare a record entered in error; or take a proposal back before the patient answers.
    function retract(bytes32 digest, Subject subject) external;

    /// @notice Author only: correct one record of a batch. The correction stands as the corrected one stood; a corrected
    /// proposal is taken back.
    /// @param superseded digest of the record of the batch
    /// @param digest of the correction, about the same patient and of the same categories
    /// @param subject of the corrected one, as its leaf has it
    function supersedeInBatch(
        bytes32 root,
        uint32 index,
        bytes32 superseded,
        bytes32 digest,
        Subject subject,
        bytes32[] calldata path
    ) external;

    /// @notice Patient only: take in one record of a batch that is proposed to her: the consent that its leaf names did
    /// not let its author write it when the batch was anchored, or she denied the author or the author's organization.
    function acceptInBatch(
        bytes32 root,
        uint32 index,
        bytes32 digest,
        Subject subject,
        bytes32[] calldata path
    ) external;

    /// @notice Patient only: turn down one record of a batch that is proposed to her. It counts as hers neither before
    /// nor after.
    function turnDownInBatch(
        bytes32 root,
        uint32 index,
        bytes32 digest,
        Subject subject,
        bytes32[] calldata path
    ) external;

    /// @notice The packed word of a record; zero if never anchored.
    function recordOf(bytes32 digest) external view returns (RecordWord);

    /// @notice The packed word of a batch; zero if never anchored.
    function batchOf(bytes32 root) external view returns (Batch);

    /// @notice What has happened to one record of a batch.
    function batchRecordOf(
        bytes32 root,
        uint32 index
    ) external view returns (bool accepted, bool superseded, bool retracted);

    /// @notice Whether the patient turned one record of a batch down.
    function isTurnedDownInBatch(bytes32 root, uint32 index) external view returns (bool);
}
