// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ConsentTerms} from "./Consent.sol";

// EIP-712 struct hashes: what a patient's wallet shows her is what is hashed here, field by field.

bytes32 constant CONSENT_GRANT_TYPEHASH = keccak256(
    "ConsentGrant(address patient,address grantee,bytes32 scope,uint16 categories,uint16 purposes,uint40 notBefore,uint40 expiry,bool mayWrite,bytes32 document,uint40 deadline)"
);
bytes32 constant CONSENT_WITHDRAWAL_TYPEHASH = keccak256(
    "ConsentWithdrawal(address patient,address grantee,bytes32 scope,uint40 deadline)"
);
bytes32 constant CONSENT_DENIAL_TYPEHASH = keccak256(
    "ConsentDenial(address patient,address grantee,bool denied,uint16 changes,uint40 deadline)"
);
bytes32 constant REDEMPTION_TYPEHASH = keccak256(
    "Redemption(bytes32 prescription,uint8 fill,address pharmacist,uint16 fence,uint40 deadline)"
);
bytes32 constant PRESENTATION_TYPEHASH = keccak256(
    "Presentation(bytes32 prescription,uint8 fill,address reader,uint40 deadline)"
);

function grantHash(
    address patient,
    address grantee,
    bytes32 scope,
    ConsentTerms terms,
    bytes32 document,
    uint40 deadline
) pure returns (bytes32) {
    return
        keccak256(
            abi.encode(
                CONSENT_GRANT_TYPEHASH,
                patient,
                grantee,
                scope,
                terms.categories(),
                terms.purposes(),
                terms.notBefore(),
                terms.expiry(),
                terms.mayWrite(),
                document,
                deadline
            )
        );
}

function withdrawalHash(address patient, address grantee, bytes32 scope, uint40 deadline) pure returns (bytes32) {
    return keccak256(abi.encode(CONSENT_WITHDRAWAL_TYPEHASH, patient, grantee, scope, deadline));
}

function denialHash(
    address patient,
    address grantee,
    bool denied,
    uint16 changes,
    uint40 deadline
) pure returns (bytes32) {
    return keccak256(abi.encode(CONSENT_DENIAL_TYPEHASH, patient, grantee, denied, changes, deadline));
}

function redemptionHash(
    bytes32 prescription,
    uint8 fill,
    address pharmacist,
    uint16 fence,
    uint40 deadline
) pure returns (bytes32) {
    return keccak256(abi.encode(REDEMPTION_TYPEHASH, prescription, fill, pharmacist, fence, deadline));
}

function presentationHash(bytes32 prescription, uint8 fill, address reader, uint40 deadline) pure returns (bytes32) {
    return keccak256(abi.encode(PRESENTATION_TYPEHASH, prescription, fill, reader, deadline));
}

/// @notice The leaf of one signed consent in a batch, hashed twice so that no inner node passes for a leaf.
function consentLeaf(bytes32 typedDataHash) pure returns (bytes32) {
    return keccak256(bytes.concat(keccak256(abi.encode(typedDataHash))));
}
