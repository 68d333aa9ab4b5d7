/* The kernel transaction manager, as resource managers in drivers use it. */
#pragma once

#include "base.h"
#include "nt/nttmapi.h"
#include "obps.h"

typedef struct _KTM KTM, *PKTM, *PRKTM;
typedef struct _KRESOURCEMANAGER KRESOURCEMANAGER, *PKRESOURCEMANAGER, *PRKRESOURCEMANAGER;
typedef struct _KTRANSACTION KTRANSACTION, *PKTRANSACTION, *PRKTRANSACTION;
typedef struct _KENLISTMENT KENLISTMENT, *PKENLISTMENT, *PRKENLISTMENT;
typedef ULONG NOTIFICATION_MASK;
typedef GUID UOW, *PUOW;

/* STATUS_PENDING: a Tm...Complete will follow; it may also be called inside. */
typedef NTSTATUS NTAPI TM_RM_NOTIFICATION(PKENLISTMENT EnlistmentObject, PVOID RMContext, PVOID TransactionContext,
                                          ULONG TransactionNotification, PLARGE_INTEGER TmVirtualClock,
                                          ULONG ArgumentLength, PVOID Argument);
typedef TM_RM_NOTIFICATION* PTM_RM_NOTIFICATION;

RG_EXTERN_C_BEGIN
extern POBJECT_TYPE* TmTransactionManagerObjectType;
extern POBJECT_TYPE* TmResourceManagerObjectType;
extern POBJECT_TYPE* TmEnlistmentObjectType;
extern POBJECT_TYPE* TmTransactionObjectType;

NTSTATUS NTAPI TmEnableCallbacks(PKRESOURCEMANAGER ResourceManager, PTM_RM_NOTIFICATION CallbackRoutine, PVOID RMKey);
NTSTATUS NTAPI TmCreateEnlistment(PHANDLE EnlistmentHandle, KPROCESSOR_MODE PreviousMode, ACCESS_MASK DesiredAccess,
                                  POBJECT_ATTRIBUTES ObjectAttributes, PRKRESOURCEMANAGER ResourceManager,
                                  PKTRANSACTION Transaction, ULONG CreateOptions, NOTIFICATION_MASK NotificationMask,
                                  PVOID EnlistmentKey);
NTSTATUS NTAPI TmPrePrepareComplete(PKENLISTMENT Enlistment, PLARGE_INTEGER TmVirtualClock);
NTSTATUS NTAPI TmPrepareComplete(PKENLISTMENT Enlistment, PLARGE_INTEGER TmVirtualClock);
NTSTATUS NTAPI TmCommitComplete(PKENLISTMENT Enlistment, PLARGE_INTEGER TmVirtualClock);
NTSTATUS NTAPI TmRollbackComplete(PKENLISTMENT Enlistment, PLARGE_INTEGER TmVirtualClock);
NTSTATUS NTAPI TmReadOnlyEnlistment(PKENLISTMENT Enlistment, PLARGE_INTEGER TmVirtualClock);
NTSTATUS NTAPI TmRollbackEnlistment(PKENLISTMENT Enlistment, PLARGE_INTEGER TmVirtualClock);
NTSTATUS NTAPI TmSinglePhaseReject(PKENLISTMENT Enlistment, PLARGE_INTEGER TmVirtualClock);
NTSTATUS NTAPI TmReferenceEnlistmentKey(PKENLISTMENT Enlistment, PVOID* Key);
NTSTATUS NTAPI TmDereferenceEnlistmentKey(PKENLISTMENT Enlistment, PBOOLEAN LastReference);
NTSTATUS NTAPI TmCommitTransaction(PKTRANSACTION Transaction, BOOLEAN Wait);
NTSTATUS NTAPI TmRollbackTransaction(PKTRANSACTION Transaction, BOOLEAN Wait);
VOID NTAPI TmGetTransactionId(PKTRANSACTION Transaction, PUOW TransactionId);
BOOLEAN NTAPI TmIsTransactionActive(PKTRANSACTION Transaction);
RG_EXTERN_C_END
