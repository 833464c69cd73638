/**
 * A small network that uses every part of the engine: both neuron models, values per neuron, all
 * conductances, modulated parameters, every kind of stimulus, several rules, delays and weights drawn.
 */
#ifndef SUPPORT_BUSY_H
#define SUPPORT_BUSY_H

#define BUSY_NETWORK(seed, ms, reports)                                                            \
    "{\"schema_version\":1,\"seed\":" seed ","                                                     \
    "\"receptors\":{\"D1\":{\"modulator\":\"dopamine\",\"K_d_nM\":1000,\"k_off_per_s\":19.5},"       \
    "\"D2\":{\"modulator\":\"dopamine\",\"K_d_nM\":100,\"k_off_per_s\":0.3}},"                      \
    "\"modulators\":{\"dopamine\":{\"compartments\":{\"nac\":{\"source\":\"da\","                  \
    "\"release_nM\":200,\"axonal_delay_ms\":5,\"V_max_nM_per_s\":1500,\"K_m_nM\":160,"             \
    "\"k_loss_per_s\":0.04,\"transporter\":\"dat\",\"autoreceptor\":\"D2\","                       \
    "\"autoreceptor_alpha\":3,\"initial_nM\":50}}}},"                                              \
    "\"drugs\":{\"cocaine\":{\"molar_mass_g_per_mol\":339.8,\"V_d_L_per_kg\":2,"                   \
    "\"k_elimination_per_min\":0.468,\"k_to_brain_per_min\":0.3,\"k_from_brain_per_min\":0.198,"   \
    "\"unbound_fraction\":1,\"routes\":{\"iv\":{\"bioavailability\":1}},"                          \
    "\"blocks\":{\"dat\":{\"K_i_nM\":500}}}},"                                                     \
    "\"cells\":{"                                                                                  \
    "\"msn\":{\"model\":\"izhikevich\",\"parameters\":{\"C_pF\":15.2,\"k_nS_per_mV\":1,"             \
    "\"vr_mV\":-80,\"vt_mV\":-29.7,\"vpeak_mV\":40,\"a_per_ms\":0.01,\"b_nS\":-20,\"c_mV\":-55,"   \
    "\"d_pA\":91,\"I0_pA\":{\"distribution\":\"normal\",\"mean\":200,\"sd\":40}},"                 \
    "\"initial\":{\"v_mV\":{\"distribution\":\"uniform\",\"min\":-80,\"max\":-55}},"               \
    "\"conductances\":{\"ampa\":{\"kind\":\"exponential\",\"tau_decay_ms\":6,\"E_mV\":0},"         \
    "\"nmda\":{\"kind\":\"exponential\",\"tau_decay_ms\":160,\"E_mV\":0,\"mg_mM\":1},"             \
    "\"gaba_a\":{\"kind\":\"exponential\",\"tau_decay_ms\":8,\"E_mV\":-74},"                       \
    "\"gaba_b\":{\"kind\":\"biexponential\",\"tau_rise_ms\":60,\"tau_decay_ms\":250,"              \
    "\"E_mV\":-95}},"                                                                              \
    "\"effects\":[{\"receptor\":\"D1\",\"on\":\"vr_mV\",\"scale\":0.0289},"                        \
    "{\"receptor\":\"D1\",\"on\":\"nmda\",\"scale\":6.3}]},"                                       \
    "\"fs\":{\"model\":\"izhikevich_fs\",\"parameters\":{\"I0_pA\":90},"                           \
    "\"conductances\":{\"ampa\":{\"kind\":\"exponential\",\"tau_decay_ms\":2,\"E_mV\":0}}},"       \
    "\"da\":{\"model\":\"izhikevich\",\"parameters\":{\"C_pF\":60,\"k_nS_per_mV\":0.7,"              \
    "\"vr_mV\":-58,\"vt_mV\":-42,\"vpeak_mV\":25,\"a_per_ms\":0.005,\"b_nS\":0,\"c_mV\":-62,"      \
    "\"d_pA\":60,\"I0_pA\":80},"                                                                   \
    "\"conductances\":{\"nmda\":{\"kind\":\"exponential\",\"tau_decay_ms\":120,\"E_mV\":0,"        \
    "\"mg_mM\":1},\"girk\":{\"kind\":\"tonic\",\"E_mV\":-95,\"g_nS\":2,\"gain\":0}},"              \
    "\"effects\":[{\"receptor\":\"D2\",\"on\":\"girk\",\"add\":0.5}]}},"                           \
    "\"populations\":{"                                                                            \
    "\"da\":{\"cell\":\"da\",\"region\":\"nac\",\"n_neurons\":40},"                                \
    "\"msn\":{\"cell\":\"msn\",\"region\":\"nac\",\"n_neurons\":211},"                             \
    "\"fs\":{\"cell\":\"fs\",\"region\":\"nac\",\"n_neurons\":17}},"                               \
    "\"stimuli\":{"                                                                                \
    "\"drive\":{\"kind\":\"poisson\",\"target\":\"msn\",\"rate_hz\":900,"                          \
    "\"receptors\":{\"ampa\":1,\"nmda\":0.0188},\"weight_nS\":1.1,\"theta_hz\":7,"                 \
    "\"theta_depth\":0.5,\"gate\":\"hippocampus\",\"gate_up_ms\":60,\"gate_down_ms\":40,"          \
    "\"gate_low\":0.3},"                                                                           \
    "\"volleys\":{\"kind\":\"volleys\",\"target\":\"da\",\"rate_hz\":8,\"participation\":0.3,"     \
    "\"receptors\":{\"nmda\":1},"                                                                  \
    "\"weight_nS\":{\"distribution\":\"uniform\",\"min\":20,\"max\":30}},"                         \
    "\"kick\":{\"kind\":\"pulses\",\"target\":\"fs\",\"amplitude_pA\":50,\"start_ms\":20,"         \
    "\"width_ms\":7.3,\"period_ms\":31,\"stop_ms\":150}},"                                         \
    "\"projections\":{"                                                                            \
    "\"msn_fs\":{\"source\":\"msn\",\"target\":\"fs\",\"rule\":\"fixed_probability\","             \
    "\"probability\":0.2,\"receptors\":{\"ampa\":1},\"weight_nS\":0.5,"                            \
    "\"delay_ms\":{\"distribution\":\"normal\",\"mean\":2,\"sd\":1,\"min\":1,\"max\":9}},"         \
    "\"fs_msn\":{\"source\":\"fs\",\"target\":\"msn\",\"rule\":\"fixed_indegree\","                \
    "\"indegree\":8,\"multapses\":false,\"receptors\":{\"gaba_a\":1},"                             \
    "\"weight_nS\":{\"distribution\":\"lognormal\",\"mean\":2,\"sd\":1,\"max\":10},"               \
    "\"delay_ms\":1.7},"                                                                           \
    "\"msn_msn\":{\"source\":\"msn\",\"target\":\"msn\",\"rule\":\"fixed_total\","                 \
    "\"total\":8000,\"receptors\":{\"gaba_a\":1,\"gaba_b\":0.1},\"weight_nS\":0.3,"                \
    "\"delay_ms\":{\"distribution\":\"uniform\",\"min\":1.2,\"max\":6}},"                          \
    "\"near\":{\"source\":\"msn\",\"target\":\"msn\",\"rule\":\"gaussian_distance\","              \
    "\"probability\":0.3,\"sigma_um\":150,\"receptors\":{\"gaba_a\":1},\"weight_nS\":0.2,"         \
    "\"delay_ms\":1.1},"                                                                           \
    "\"fs_fs\":{\"source\":\"fs\",\"target\":\"fs\",\"rule\":\"all_to_all\","                      \
    "\"receptors\":{\"ampa\":1},\"weight_nS\":0.1,\"delay_ms\":1}},"                               \
    "\"protocol\":[{\"phase\":\"all\",\"ms\":" ms ",\"events\":[{\"at_ms\":20,\"drug\":"           \
    "\"cocaine\",\"route\":\"iv\",\"dose_mg_per_kg\":3}]}],"                                       \
    "\"record\":{\"timeline_interval_ms\":10" reports "}}"

/* Frames at every step cut the batches down to one step. */
#define BUSY_EVERY_STEP                                                                            \
    ",\"reports\":{\"v\":{\"population\":\"msn\",\"variable\":\"v_mV\",\"neurons\":5,"             \
    "\"interval_ms\":0.1}}"

#endif
