/* kvm_facts.h: the one thing the command line may know of the KVM layer:
 * what `mayfly check` reports. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VMM_KVM_FACTS_H
#define VMM_KVM_FACTS_H

#include "kvm/kvm_probe.h" /* IWYU pragma: export */

#endif
