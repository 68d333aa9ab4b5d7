/* Source annotations of Windows headers. They describe a contract to Microsoft's analysers; here they vanish. */
#pragma once

#define _In_
#define _In_opt_
#define _In_z_
#define _In_opt_z_
#define _In_range_(lo, hi)
#define _In_reads_(n)
#define _In_reads_opt_(n)
#define _In_reads_bytes_(n)
#define _In_reads_bytes_opt_(n)
#define _In_reads_or_z_(n)
#define _Out_
#define _Out_opt_
#define _Out_writes_(n)
#define _Out_writes_opt_(n)
#define _Out_writes_z_(n)
#define _Out_writes_bytes_(n)
#define _Out_writes_bytes_opt_(n)
#define _Out_writes_bytes_to_(n, m)
#define _Out_writes_bytes_to_opt_(n, m)
#define _Out_writes_to_(n, m)
#define _Out_range_(lo, hi)
#define _Outptr_
#define _Outptr_opt_
#define _Outptr_result_maybenull_
#define _Outptr_result_bytebuffer_(n)
#define _Inout_
#define _Inout_opt_
#define _Inout_z_
#define _Inout_updates_(n)
#define _Inout_updates_bytes_(n)
#define _Inout_updates_opt_(n)
#define _Inout_updates_z_(n)
#define _Analysis_mode_(mode)
#define _Inout_updates_all_(n)
#define _Inout_updates_bytes_all_(n)
#define _Out_writes_all_(n)
#define _Inout_updates_bytes_to_(n, m)
#define _Ret_maybenull_
#define _Ret_notnull_
#define _Ret_z_
#define _Reserved_
#define _Null_terminated_
#define _Printf_format_string_
#define _Field_size_(n)
#define _Field_size_opt_(n)
#define _Field_size_bytes_(n)
#define _Field_size_bytes_opt_(n)
#define _Field_size_bytes_part_(n, m)
#define _Field_size_bytes_part_opt_(n, m)
#define _Field_z_
#define _Field_range_(lo, hi)
#define _Struct_size_bytes_(n)
#define _Points_to_data_
#define _Interlocked_operand_
#define _Const_
#define _Success_(expr)
#define _Return_type_success_(expr)
#define _On_failure_(annos)
#define _Check_return_
#define _Must_inspect_result_
#define _Use_decl_annotations_
#define _Maybenull_
#define _Notnull_
#define _Notvalid_
#define _Pre_
#define _Pre_notnull_
#define _Pre_valid_
#define _Pre_satisfies_(expr)
#define _Post_
#define _Post_valid_
#define _Post_invalid_
#define _Post_notnull_
#define _Post_maybenull_
#define _Post_satisfies_(expr)
#define _Post_writable_byte_size_(n)
#define _Post_equal_to_(expr)
#define _Post_ptr_invalid_
#define _Deref_out_range_(lo, hi)
#define _Deref_pre_z_
#define _Deref_post_z_
#define _At_(target, annos)
#define _At_buffer_(target, iter, bound, annos)
#define _When_(expr, annos)
#define _Group_(annos)
#define _Unchanged_(expr)
#define _Always_(annos)
#define _Function_class_(name)
#define _Dispatch_type_(kind)
#define _Called_from_function_class_(name)
#define _Kernel_entry_
#define _Kernel_clear_do_init_(yes)
#define _Kernel_IoGetDmaAdapter_
#define _Acquires_lock_(lock)
#define _Acquires_exclusive_lock_(lock)
#define _Acquires_shared_lock_(lock)
#define _Acquires_nonreentrant_lock_(lock)
#define _Releases_lock_(lock)
#define _Releases_exclusive_lock_(lock)
#define _Releases_shared_lock_(lock)
#define _Releases_nonreentrant_lock_(lock)
#define _Requires_lock_held_(lock)
#define _Requires_exclusive_lock_held_(lock)
#define _Requires_shared_lock_held_(lock)
#define _Requires_lock_not_held_(lock)
#define _Requires_no_locks_held_
#define _Guarded_by_(lock)
#define _Write_guarded_by_(lock)
#define _Has_lock_level_(level)
#define _Has_lock_kind_(kind)
#define _Lock_level_order_(a, b)
#define _Create_lock_level_(level)
#define _Analysis_assume_(expr)
#define _Analysis_assume_lock_held_(lock)
#define _Analysis_assume_lock_not_held_(lock)
#define _Analysis_assume_nullterminated_(x)
#define _Analysis_noreturn_
#define _IRQL_requires_(level)
#define _IRQL_requires_max_(level)
#define _IRQL_requires_min_(level)
#define _IRQL_requires_same_
#define _IRQL_raises_(level)
#define _IRQL_saves_
#define _IRQL_saves_global_(kind, param)
#define _IRQL_restores_
#define _IRQL_restores_global_(kind, param)
#define _IRQL_always_function_max_(level)
#define _IRQL_always_function_min_(level)
#define _IRQL_uses_cancel_
#define _IRQL_is_cancel_
#define __drv_allocatesMem(kind)
#define __drv_freesMem(kind)
#define __drv_aliasesMem
#define __drv_strictTypeMatch(mode)
#define __drv_strictType(type, mode)
#define __drv_maxIRQL(level)
#define __drv_minIRQL(level)
#define __drv_requiresIRQL(level)
#define __drv_sameIRQL
#define __drv_savesIRQL
#define __drv_restoresIRQL
#define __drv_dispatchType(kind)
#define __drv_when(expr, annos)
#define __drv_at(target, annos)
#define __drv_arg(target, annos)
#define __drv_inTry
#define __drv_functionClass(name)
#define __drv_preferredFunction(name, why)
#define __analysis_assume(expr)
#define __analysis_hint(expr)
#define _SAL_nop_impl_

/* The older spelling. The C++ library uses some of these words as names of its own, as does the system's. */
#if !defined(__cplusplus) && !defined(RG_NO_OLD_SAL)
#define __in
#define __out
#define __inout
#define __in_opt
#define __out_opt
#define __inout_opt
#define __deref_out
#define __deref_out_opt
#define __deref_inout
#define __reserved
#define __checkReturn
#define __success(expr)
#define __in_bcount(n)
#define __in_bcount_opt(n)
#define __in_ecount(n)
#define __in_ecount_opt(n)
#define __out_bcount(n)
#define __out_bcount_opt(n)
#define __out_bcount_part(n, m)
#define __out_bcount_part_opt(n, m)
#define __out_ecount(n)
#define __out_ecount_opt(n)
#define __inout_bcount(n)
#define __inout_bcount_opt(n)
#define __field_bcount(n)
#define __field_ecount(n)
#endif
