// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Consents} from "./Consents.sol";
import {IRecords} from "./interfaces/IRecords.sol";
import {Consent, ConsentEntry, ConsentKey, DENIED_BIT, firstKey} from "./types/Consent.sol";
import {Participant} from "./types/Participant.sol";
import {Batch, BatchKind, RecordEntry, RecordState, RecordWord, Subject, newRecord} from "./types/Record.sol";
import {WRITERS} from "./types/Role.sol";

/// @title What was written, by whom, about whom, when
/// @dev One word a record; in a batch one bit a record, 256 records a slot, for each thing that can happen to it.
abstract contract Records is IRecords, Consents {
    mapping(bytes32 digest => RecordEntry) internal _records;
    mapping(bytes32 root => mapping(uint256 word => uint256 bits)) internal _accepted;
    mapping(bytes32 root => mapping(uint256 word => uint256 bits)) internal _superseded;
    /// @dev Retracted or turned down (`Proposals` says which): either ends a record, and a retraction reads one word.
    mapping(bytes32 root => mapping(uint256 word => uint256 bits)) internal _gone;

    /// @dev The person is in the team now, and neither the team nor its organization is suspended, or denied by the patient.
    function _isLiveMember(address patient, address team, address person) internal view returns (bool) {
        Participant word = _participants[team].word;
        return
            _members[team][person] &&
            !word.isSuspended() &&
            !_participants[word.organization()].word.isSuspended() &&
            !_isDenied(patient, team, word);
    }

    /// @dev Reverts unless the caller holds one of the roles and neither she nor her organization is suspended. Zero if
    /// the consent that the subject names, to her or to her organization, now has the subject's categories and `leave`
    /// (to write, or the purpose), and the patient denies neither of them. One function, since every act asks for both.
    function _lackingAs(uint16 anyOf, Subject subject, uint256 leave) internal view returns (uint256 lacking) {
        Participant caller = _participants[msg.sender].word;
        if (!caller.isLiveIn(anyOf)) _refuseRole(msg.sender, anyOf);
        address organization = caller.organization();
        address grantee = msg.sender;
        if (subject.isViaOrganization()) grantee = organization;
        mapping(ConsentKey key => ConsentEntry) storage consents = _participants[subject.patient()].consents;
        ConsentKey key = subject.consentKeyFor(grantee);
        lacking = consents[key].word.lacking(subject.categories() | leave, block.timestamp);
        // The pair's first word is both consent and denial: the common case reads it once.
        if (ConsentKey.unwrap(key) != uint160(msg.sender)) {
            lacking |= Consent.unwrap(consents[firstKey(msg.sender)].word) & DENIED_BIT;
        }
        if (organization != msg.sender) {
            _requireLiveOrganization(msg.sender, organization);
            lacking |= Consent.unwrap(consents[firstKey(organization)].word) & DENIED_BIT;
        }
    }

    function _refuseWriting(Subject subject) internal view {
        revert WriteNotPermitted(subject.patient(), msg.sender, subject.categories());
    }

    function _anchor(bytes32 digest, Subject subject) internal {
        _store(digest, subject, RecordState.Anchored);
        emit RecordAnchored(digest, subject.patient(), _authorship(subject));
    }

    function _store(bytes32 digest, Subject subject, RecordState state) internal {
        if (!subject.isWhole()) revert SubjectInvalid(subject);
        RecordEntry storage record = _records[digest];
        if (RecordWord.unwrap(record.word) != 0) revert RecordAlreadyAnchored(digest);
        record.word = newRecord(subject, msg.sender, state);
    }

    function _requireRecord(
        bytes32 digest,
        Subject subject,
        address author
    ) internal view returns (RecordWord current) {
        current = _records[digest].word;
        if (!current.belongsTo(subject, author)) revert RecordNotAnchored(digest);
    }

    function _requireBatchAuthor(bytes32 root, uint32 index) internal view {
        _requireRole(msg.sender, WRITERS);
        Batch batch = _batches[root];
        if (batch.author() != msg.sender || batch.kind() != BatchKind.Records) {
            revert NotTheBatchAuthor(root, msg.sender);
        }
        if (index >= batch.count()) revert IndexOutOfRange(root, index, batch.count());
    }

    function _endInBatch(bytes32 root, uint32 index) internal {
        mapping(uint256 word => uint256 bits) storage gone = _gone[root];
        uint256 bits = gone[index >> 8];
        uint256 bit = 1 << (index & 0xff);
        if (bits & bit != 0) revert BatchRecordGone(root, index);
        gone[index >> 8] = bits | bit;
    }

    function _setBit(mapping(uint256 word => uint256 bits) storage words, uint32 index) internal {
        words[index >> 8] |= 1 << (index & 0xff);
    }

    function _isSet(mapping(uint256 word => uint256 bits) storage words, uint32 index) internal view returns (bool) {
        return words[index >> 8] & (1 << (index & 0xff)) != 0;
    }

    function _authorship(Subject subject) internal view returns (uint256) {
        return uint160(msg.sender) | (uint256(subject.categories()) << 160);
    }
}
