//! The database schema as diesel sees it, generated from the migrations (see diesel.toml).

diesel::table! {
    api_key_endpoints (scope_id, endpoint_id) {
        scope_id -> Uuid,
        endpoint_id -> Uuid,
    }
}

diesel::table! {
    api_key_scopes (id) {
        id -> Uuid,
        api_key_id -> Uuid,
        connector_id -> Nullable<Uuid>,
        all_endpoints -> Bool,
        proxy -> Bool,
        token -> Bool,
        version -> Int4,
        updated_at -> Nullable<Timestamptz>,
        updated_by -> Text,
    }
}

diesel::table! {
    api_keys (id) {
        id -> Uuid,
        hash -> Bytea,
        prefix -> Text,
        name -> Text,
        program_id -> Nullable<Uuid>,
        user_id -> Nullable<Uuid>,
        methods -> Nullable<Array<Nullable<Text>>>,
        expires_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        created_by -> Text,
        last_used_at -> Nullable<Timestamptz>,
        last_used_address -> Text,
        revoked_at -> Nullable<Timestamptz>,
        revoked_by -> Nullable<Text>,
        version -> Int4,
        updated_at -> Nullable<Timestamptz>,
        updated_by -> Text,
    }
}

diesel::table! {
    audit_chain (one) {
        one -> Bool,
        seq -> Int8,
        hash -> Bytea,
    }
}

diesel::table! {
    audit_events (id) {
        id -> Uuid,
        at -> Timestamptz,
        actor_id -> Nullable<Uuid>,
        actor_name -> Text,
        address -> Text,
        request_id -> Text,
        kind -> Text,
        subject_id -> Nullable<Uuid>,
        subject_name -> Text,
        changes -> Jsonb,
        actor_username -> Nullable<Text>,
    }
}

diesel::table! {
    audit_links (seq) {
        seq -> Int8,
        event_id -> Uuid,
        format -> Int2,
        previous_hash -> Bytea,
        hash -> Bytea,
        data_key -> Nullable<Int4>,
    }
}

diesel::table! {
    audit_names (role, name) {
        role -> Text,
        name -> Text,
        search_text -> Text,
    }
}

diesel::table! {
    audit_queue (event_id) {
        event_id -> Uuid,
    }
}

diesel::table! {
    audit_transition (one) {
        one -> Bool,
        seq -> Int8,
        hash -> Bytea,
        data_key -> Int4,
        mac -> Bytea,
    }
}

diesel::table! {
    authorization_requests (id) {
        id -> Uuid,
        connector_id -> Nullable<Uuid>,
        user_id -> Nullable<Uuid>,
        session_hash -> Bytea,
        state_hash -> Bytea,
        sealed -> Bytea,
        authorization_version -> Nullable<Int4>,
        next -> Nullable<Text>,
        created_at -> Timestamptz,
        spent_at -> Nullable<Timestamptz>,
        brought_token -> Nullable<Bool>,
    }
}

diesel::table! {
    authorizations (connector_id) {
        connector_id -> Uuid,
        user_name -> Text,
        api_key_place -> Text,
        api_key_name -> Text,
        api_key_prefix -> Text,
        ca_certificate -> Text,
        client_certificate -> Text,
        keep_fresh -> Bool,
        token_url -> Text,
        token_user -> Text,
        token_client_id -> Text,
        token_scope -> Text,
        token_request_style -> Text,
        token_pointer -> Text,
        version -> Int4,
        updated_at -> Timestamptz,
        updated_by -> Text,
        proxy_url -> Text,
        time_out -> Nullable<Int4>,
        expired_statuses -> Text,
        expired_body -> Text,
        concurrency -> Nullable<Int4>,
        stream_idle -> Nullable<Int4>,
        token_user_field -> Text,
        token_password_field -> Text,
        ca_trust -> Text,
        basic_charset -> Text,
        access_token_place -> Text,
        access_token_name -> Text,
        access_token_prefix -> Text,
        options -> Jsonb,
        secrets_end_on -> Nullable<Date>,
        client_certificate_ends_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    breakers (connector_id) {
        connector_id -> Uuid,
        since -> Timestamptz,
        open_until -> Timestamptz,
        message -> Text,
    }
}

diesel::table! {
    call_hours (connector_id, hour, endpoint_id, caller_id) {
        hour -> Timestamptz,
        connector_id -> Uuid,
        endpoint_id -> Uuid,
        caller_id -> Uuid,
        caller_kind -> Text,
        caller_name -> Text,
        calls -> Int8,
        errors -> Int8,
        latencies -> Array<Nullable<Int8>>,
        last_at -> Timestamptz,
        last_status -> Nullable<Int2>,
        last_problem -> Text,
    }
}

diesel::table! {
    calls (at, id) {
        id -> Uuid,
        at -> Timestamptz,
        kind -> Text,
        connector_id -> Uuid,
        connector_name -> Text,
        endpoint_id -> Nullable<Uuid>,
        endpoint_name -> Text,
        caller_kind -> Text,
        caller_id -> Uuid,
        caller_name -> Text,
        api_key_id -> Nullable<Uuid>,
        address -> Text,
        method -> Text,
        target -> Text,
        outcome -> Text,
        status -> Nullable<Int2>,
        problem -> Text,
        detail -> Text,
        attempts -> Int2,
        queue_us -> Int8,
        connect_us -> Int8,
        first_byte_us -> Int8,
        total_us -> Int8,
        sent_bytes -> Int8,
        received_bytes -> Int8,
        request_id -> Text,
    }
}

diesel::table! {
    categories (id) {
        id -> Uuid,
        name -> Text,
        name_key -> Text,
        name_folded -> Text,
        status -> Text,
        built_in -> Nullable<Text>,
        connectors -> Int8,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        updated_by -> Text,
    }
}

diesel::table! {
    collections (connector_id) {
        connector_id -> Uuid,
        schema -> Nullable<Json>,
        members -> Array<Text>,
        token_hash -> Bytea,
        version -> Int4,
        updated_at -> Timestamptz,
        updated_by -> Text,
    }
}

diesel::table! {
    connector_categories (connector_id, category_id) {
        connector_id -> Uuid,
        category_id -> Uuid,
    }
}

diesel::table! {
    connector_total (one) {
        one -> Bool,
        total -> Int8,
    }
}

diesel::table! {
    check_runs (id) {
        id -> Uuid,
        started_at -> Timestamptz,
        started_by -> Text,
        connectors -> Int4,
        cancelled_at -> Nullable<Timestamptz>,
        cancelled_by -> Text,
    }
}

diesel::table! {
    check_schedules (connector_id) {
        connector_id -> Uuid,
        schedule -> Text,
        next_at -> Timestamptz,
    }
}

diesel::table! {
    checks (id) {
        id -> Uuid,
        connector_id -> Uuid,
        run_id -> Nullable<Uuid>,
        requested_at -> Timestamptz,
        leased_until -> Nullable<Timestamptz>,
        finished_at -> Nullable<Timestamptz>,
        outcome -> Nullable<Text>,
        message -> Text,
        remedy -> Text,
        duration_ms -> Nullable<Int4>,
    }
}

diesel::table! {
    connector_templates (id) {
        id -> Uuid,
        name -> Text,
        name_key -> Text,
        method -> Text,
        base_url -> Text,
        variables -> Jsonb,
        settings -> Jsonb,
        created_at -> Timestamptz,
        created_by -> Text,
    }
}

diesel::table! {
    connectors (id) {
        id -> Uuid,
        key -> Text,
        name -> Text,
        name_key -> Text,
        display_name -> Text,
        description -> Text,
        base_url -> Nullable<Text>,
        method -> Text,
        verify_certificates -> Bool,
        enabled -> Bool,
        status -> Text,
        status_since -> Timestamptz,
        category_names -> Text,
        category_names_folded -> Text,
        own_folded -> Text,
        version -> Int4,
        created_at -> Timestamptz,
        created_by -> Text,
        updated_at -> Timestamptz,
        updated_by -> Text,
        deleted_at -> Nullable<Timestamptz>,
        deleted_by -> Nullable<Text>,
        label -> Text,
        description_start -> Text,
        categories_start -> Text,
        open_rights -> Array<Text>,
        open_to_view -> Bool,
        access_version -> Int4,
        access_updated_at -> Nullable<Timestamptz>,
        access_updated_by -> Text,
        is_collection -> Bool,
        owner_user_id -> Nullable<Uuid>,
        owner_group_id -> Nullable<Uuid>,
        contact -> Text,
        documentation_url -> Text,
        notes -> Text,
        owner_folded -> Text,
        search_text -> Text,
        called -> Bool,
    }
}

diesel::table! {
    connector_rights (id) {
        id -> Uuid,
        connector_id -> Uuid,
        user_id -> Nullable<Uuid>,
        group_id -> Nullable<Uuid>,
        rights -> Array<Text>,
    }
}

diesel::table! {
    cookie_keys (id) {
        id -> Uuid,
        sealed -> Bytea,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    data_keys (id) {
        id -> Int4,
        master_key_id -> Text,
        wrapped -> Bytea,
        created_at -> Timestamptz,
        activated_at -> Nullable<Timestamptz>,
        retired_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    device_requests (connector_id) {
        connector_id -> Uuid,
        attempt -> Uuid,
        user_id -> Uuid,
        authorization_version -> Int4,
        sealed -> Bytea,
        state -> Text,
        message -> Text,
        server_words -> Text,
        remedy -> Text,
        interval_seconds -> Int4,
        next_poll_at -> Timestamptz,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    drafts (id) {
        id -> Uuid,
        user_id -> Uuid,
        sealed -> Bytea,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    endpoints (id) {
        id -> Uuid,
        connector_id -> Uuid,
        name -> Text,
        name_key -> Text,
        description -> Text,
        method -> Text,
        url -> Text,
        parameters -> Jsonb,
        headers -> Jsonb,
        body_kind -> Text,
        body -> Text,
        form -> Jsonb,
        sample -> Text,
        time_out -> Nullable<Int4>,
        retries -> Int4,
        version -> Int4,
        created_at -> Timestamptz,
        created_by -> Text,
        updated_at -> Timestamptz,
        updated_by -> Text,
        paging -> Text,
        paging_next -> Text,
        paging_parameter -> Text,
        paging_items -> Text,
    }
}

diesel::table! {
    evidence (connector_id) {
        connector_id -> Uuid,
        standing -> Text,
        counted_from -> Nullable<Timestamptz>,
        issued_at -> Nullable<Timestamptz>,
        taken_at -> Nullable<Timestamptz>,
        taken_target -> Text,
        run -> Int4,
        run_standing -> Text,
        run_of_kind -> Int4,
        run_target -> Text,
            failed_at -> Nullable<Timestamptz>,
        message -> Text,
        server_words -> Text,
    }
}

diesel::table! {
    group_groups (member_group_id, group_id) {
        group_id -> Uuid,
        member_group_id -> Uuid,
    }
}

diesel::table! {
    group_permissions (group_id, permission) {
        group_id -> Uuid,
        permission -> Text,
    }
}

diesel::table! {
    group_users (user_id, group_id) {
        group_id -> Uuid,
        user_id -> Uuid,
        by_claim -> Bool,
    }
}

diesel::table! {
    groups (id) {
        id -> Uuid,
        name -> Text,
        name_key -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        description -> Text,
        search_text -> Text,
        version -> Int4,
        created_by -> Text,
        updated_by -> Text,
        claim_value -> Text,
    }
}

diesel::table! {
    identities (id) {
        id -> Uuid,
        user_id -> Uuid,
        issuer -> Text,
        subject -> Text,
        created_at -> Timestamptz,
        last_sign_in_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    invitations (id) {
        id -> Uuid,
        user_id -> Uuid,
        token_hash -> Bytea,
        created_at -> Timestamptz,
        created_by -> Text,
        expires_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    imports (id) {
        id -> Uuid,
        collection_id -> Uuid,
        file_name -> Text,
        size -> Int8,
        state -> Text,
        is_cancelled -> Bool,
        bytes_read -> Int8,
        records_read -> Int8,
        problems -> Array<Text>,
        created_at -> Timestamptz,
        created_by -> Text,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    instances (id) {
        id -> Uuid,
        address -> Text,
        started_at -> Timestamptz,
        seen_at -> Timestamptz,
        newest_key -> Int4,
        sealing_key -> Int4,
        version -> Text,
        host -> Text,
        pid -> Int4,
    }
}

diesel::table! {
    notice_deliveries (id) {
        id -> Uuid,
        event_id -> Uuid,
        occasion -> Text,
        channel -> Text,
        recipient -> Text,
        since -> Timestamptz,
        state -> Text,
        due_at -> Timestamptz,
        attempts -> Int4,
        problem -> Text,
        sent_at -> Nullable<Timestamptz>,
        lease_id -> Nullable<Uuid>,
        lease_until -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    notice_events (id) {
        id -> Uuid,
        connector_id -> Nullable<Uuid>,
        health -> Text,
        began_at -> Timestamptz,
        expires_at -> Nullable<Timestamptz>,
        message -> Text,
        remedy -> Text,
        ended_at -> Nullable<Timestamptz>,
        reminder -> Nullable<Text>,
        subject_id -> Nullable<Uuid>,
        days -> Nullable<Int4>,
        title -> Text,
    }
}

diesel::table! {
    notice_stops (channel) {
        channel -> Text,
        receiver -> Bytea,
        stopped_at -> Timestamptz,
    }
}

diesel::table! {
    oauth_clients (connector_id) {
        connector_id -> Uuid,
        issuer -> Text,
        iss_required -> Bool,
        authorize_url -> Text,
        token_url -> Text,
        refresh_url -> Text,
        revocation_url -> Text,
        client_id -> Text,
        authentication -> Text,
        user_name -> Text,
        scope -> Text,
        scope_separator -> Text,
        resources -> Text,
        audience -> Text,
        pkce -> Bool,
        body_format -> Text,
        authorize_parameters -> Text,
        token_parameters -> Text,
        refresh_parameters -> Text,
        lifetime -> Nullable<Int4>,
        token_pointer -> Text,
        refresh_scope -> Text,
        client_id_name -> Text,
        client_secret_name -> Text,
        authorize_fragment -> Text,
        kept_names -> Text,
        redirect -> Text,
        device_url -> Text,
        assertion -> Jsonb,
    }
}

diesel::table! {
    programs (id) {
        id -> Uuid,
        name -> Text,
        name_key -> Text,
        description -> Text,
        searched -> Text,
        active -> Bool,
        version -> Int4,
        created_at -> Timestamptz,
        created_by -> Text,
        updated_at -> Timestamptz,
        updated_by -> Text,
    }
}

diesel::table! {
    record_members (collection_id, member, sort_key, record_id) {
        collection_id -> Uuid,
        member -> Text,
        sort_key -> Text,
        record_id -> Uuid,
    }
}

diesel::table! {
    record_versions (collection_id, record_id, version) {
        collection_id -> Uuid,
        record_id -> Uuid,
        version -> Int4,
        data -> Jsonb,
        saved_at -> Timestamptz,
        saved_by -> Text,
    }
}

diesel::table! {
    records (collection_id, id) {
        collection_id -> Uuid,
        id -> Uuid,
        data -> Jsonb,
        version -> Int4,
        created_at -> Timestamptz,
        created_by -> Text,
        updated_at -> Timestamptz,
        updated_by -> Text,
    }
}

diesel::table! {
    renewals (connector_id) {
        connector_id -> Uuid,
        token_version -> Int8,
        lease_id -> Nullable<Uuid>,
        lease_until -> Nullable<Timestamptz>,
        failures -> Int4,
        failed_at -> Nullable<Timestamptz>,
        is_final -> Bool,
        message -> Text,
        server_words -> Text,
        remedy -> Text,
        next_attempt_at -> Nullable<Timestamptz>,
        last_used_at -> Nullable<Timestamptz>,
        due_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    secrets (connector_id, field) {
        connector_id -> Uuid,
        field -> Text,
        sealed -> Bytea,
        set_at -> Timestamptz,
        set_by -> Text,
        origins -> Nullable<Array<Text>>,
    }
}

diesel::table! {
    session_users (id_hash) {
        id_hash -> Bytea,
        csrf_hash -> Bytea,
        user_id -> Uuid,
        forget_at -> Timestamptz,
    }
}

diesel::table! {
    sessions (id_hash) {
        id_hash -> Bytea,
        user_id -> Uuid,
        address -> Text,
        user_agent -> Text,
        created_at -> Timestamptz,
        last_seen_at -> Timestamptz,
        expires_at -> Timestamptz,
        confirmed_at -> Nullable<Timestamptz>,
        id -> Uuid,
    }
}

diesel::table! {
    sign_in_alarms (user_id) {
        user_id -> Uuid,
        last_at -> Timestamptz,
    }
}

diesel::table! {
    sign_in_places (user_id, network) {
        user_id -> Uuid,
        network -> Text,
        last_at -> Timestamptz,
    }
}

diesel::table! {
    token_requests (id) {
        id -> Uuid,
        connector_id -> Uuid,
        user_id -> Uuid,
        sealed -> Bytea,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    tokens (connector_id) {
        connector_id -> Uuid,
        access_token -> Bytea,
        refresh_token -> Nullable<Bytea>,
        token_type -> Text,
        scope -> Text,
        obtained_at -> Timestamptz,
        expires_at -> Nullable<Timestamptz>,
        set_by -> Text,
        status_due_at -> Nullable<Timestamptz>,
        origins -> Nullable<Array<Text>>,
        refresh_from -> Nullable<Timestamptz>,
        refresh_expires_at -> Nullable<Timestamptz>,
        kept -> Jsonb,
    }
}

diesel::table! {
    user_permissions (user_id, permission) {
        user_id -> Uuid,
        permission -> Text,
    }
}

diesel::table! {
    users (id) {
        id -> Uuid,
        username -> Text,
        username_key -> Text,
        name -> Text,
        password_hash -> Nullable<Text>,
        super_admin -> Bool,
        active -> Bool,
        theme -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        search_text -> Text,
        last_sign_in_at -> Nullable<Timestamptz>,
        version -> Int4,
        created_by -> Text,
        updated_by -> Text,
        time_zone -> Text,
        rows_per_page -> Nullable<Int2>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    api_key_endpoints,
    api_key_scopes,
    api_keys,
    audit_chain,
    audit_events,
    audit_links,
    audit_names,
    audit_queue,
    audit_transition,
    authorization_requests,
    authorizations,
    breakers,
    call_hours,
    calls,
    categories,
    check_runs,
    check_schedules,
    checks,
    collections,
    connector_categories,
    connector_templates,
    connector_rights,
    connector_total,
    connectors,
    cookie_keys,
    data_keys,
    device_requests,
    drafts,
    endpoints,
    evidence,
    group_groups,
    group_permissions,
    group_users,
    groups,
    identities,
    imports,
    instances,
    invitations,
    notice_deliveries,
    notice_events,
    notice_stops,
    oauth_clients,
    programs,
    record_members,
    record_versions,
    records,
    renewals,
    secrets,
    session_users,
    sessions,
    sign_in_alarms,
    sign_in_places,
    token_requests,
    tokens,
    user_permissions,
    users,
);

diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(sign_in_places -> users (user_id));
diesel::joinable!(collections -> connectors (connector_id));
diesel::joinable!(connector_categories -> categories (category_id));
diesel::joinable!(connector_categories -> connectors (connector_id));
diesel::joinable!(connector_rights -> connectors (connector_id));
diesel::joinable!(connector_rights -> groups (group_id));
diesel::joinable!(connector_rights -> users (user_id));
diesel::joinable!(authorizations -> connectors (connector_id));
diesel::joinable!(secrets -> connectors (connector_id));
diesel::joinable!(tokens -> connectors (connector_id));
diesel::joinable!(oauth_clients -> connectors (connector_id));
diesel::joinable!(renewals -> connectors (connector_id));
diesel::joinable!(endpoints -> connectors (connector_id));
diesel::joinable!(api_keys -> programs (program_id));
diesel::joinable!(api_keys -> users (user_id));
diesel::joinable!(api_key_scopes -> api_keys (api_key_id));
diesel::joinable!(api_key_scopes -> connectors (connector_id));
diesel::joinable!(api_key_endpoints -> api_key_scopes (scope_id));
diesel::joinable!(api_key_endpoints -> endpoints (endpoint_id));
diesel::joinable!(breakers -> connectors (connector_id));
diesel::joinable!(evidence -> connectors (connector_id));
diesel::joinable!(notice_deliveries -> notice_events (event_id));
diesel::joinable!(notice_events -> connectors (connector_id));
diesel::joinable!(invitations -> users (user_id));
diesel::joinable!(group_users -> groups (group_id));
diesel::joinable!(group_users -> users (user_id));
diesel::joinable!(identities -> users (user_id));
